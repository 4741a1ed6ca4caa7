"""Train a network of this folder at all its scales: ``python train.py slim --data PHOTOS``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tfdeconv.cli.commands.train import command as train
from tfdeconv.training import load_recipe

RECIPES = {
    ("fine", "clean"): "fine.toml",
    ("fine", "jpeg"): "fine-jpeg.toml",
    ("fsrcnn", "clean"): "recipe.toml",
    ("slim", "clean"): "slim.toml",
    ("slim", "jpeg"): "slim-jpeg.toml",
}


@click.command()
@click.argument("architecture", type=click.Choice(sorted({name for name, _ in RECIPES})))
@click.option("--data", required=True, multiple=True, help="Folder of photographs. May be repeated.")
@click.option("--source", type=click.Choice(["clean", "jpeg"]), default="clean", show_default=True)
@click.option("--output", default="build/train", show_default=True, help="Where the runs' files go.")
def main(architecture: str, data: Sequence[str], source: str, output: str) -> None:
    """Train ARCHITECTURE at x2, then other scales from x2's weights; a stopped run goes on where it was."""
    if (architecture, source) not in RECIPES:
        raise click.UsageError(f"there is no recipe of {architecture} for {source} pictures.")
    recipe = Path(__file__).with_name(RECIPES[architecture, source])
    for scale in sorted(load_recipe(recipe).scales):
        words = [architecture, "--source", source, "--scale", str(scale), "--recipe", str(recipe)]
        words += ["--output", output, *(word for folder in data for word in ("--data", folder))]
        train.main(words, standalone_mode=False)


if __name__ == "__main__":
    main()
