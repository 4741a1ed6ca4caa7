"""Export a trained network for serving: python export.py --output build/models/fcn_shapes."""

from __future__ import annotations

from pathlib import Path

import click
from recipe import HERE, RECIPE, weights_path
from shapes_network import shapes_fcn

import tfdeconv as td
from tfdeconv.export.segmentation_bytes import segmentation_signatures
from tfdeconv.zoo.upscalers.pretrained import load_weights

TILE = 512
"""Longest side of the tiles in which clients send large pictures."""


@click.command()
@click.option("--stride", type=click.Choice(["32", "16", "8"]), default="8", show_default=True)
@click.option("--upsampling", type=click.Choice(RECIPE["upsampling"]), default="bilinear", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("build/models/fcn_shapes"),
    show_default=True,
    help="The model's folder; a new version appears in it.",
)
def main(stride: str, upsampling: str, output: Path) -> None:
    """Write a SavedModel that answers pictures with label maps and overlays."""
    model = shapes_fcn(int(stride), upsampling)
    load_weights(model, weights_path(HERE, int(stride), upsampling))
    signatures = segmentation_signatures(model)
    click.echo(td.export_saved_model(model, output, signatures=signatures, tile=TILE))


if __name__ == "__main__":
    main()
