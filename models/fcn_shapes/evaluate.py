"""Score the networks and draw predictions.png: python evaluate.py --data DIR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
from PIL import Image, ImageDraw
from recipe import HERE, RECIPE, validation_and_training, weights_path
from segmentation_scores import confusion_matrix, segmentation_scores
from shapes_network import shapes_fcn
from shapes_scenes import CLASSES, Scenes

from tfdeconv.export.segmentation_bytes import colour_map
from tfdeconv.zoo.upscalers.pretrained import load_weights

SHOWN = 4
"""Validation scenes in the picture, the first ones."""

ZOOM = 2
GAP = 4
TITLE_HEIGHT = 26


def predict(model: keras.Model, scenes: Scenes) -> Any:
    """Return the class of every pixel."""
    return model.predict(scenes.images, batch_size=8, verbose=0).argmax(-1)


def draw(columns: dict[str, Any], path: Path) -> None:
    """Write a grid of pictures, one column for each title."""
    side = RECIPE["data"]["size"] * ZOOM
    cell = side + GAP
    canvas = Image.new("RGB", (cell * len(columns) - GAP, TITLE_HEIGHT + cell * SHOWN - GAP), "white")
    pen = ImageDraw.Draw(canvas)
    for column, (title, pictures) in enumerate(columns.items()):
        pen.text((column * cell + side // 2, TITLE_HEIGHT // 2), title, "black", anchor="mm", font_size=16)
        for row, picture in enumerate(pictures[:SHOWN]):
            enlarged = Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST)
            canvas.paste(enlarged, (column * cell, TITLE_HEIGHT + row * cell))
    canvas.save(path, optimize=True)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of photographs.")
@click.option("--weights", type=click.Path(path_type=Path), default=HERE, help="Folder of the weights.")
@click.option("--picture", type=click.Path(path_type=Path), default=HERE / "predictions.png")
def main(data: Path, weights: Path, picture: Path) -> None:
    """Print the scores of every network whose weights are there, and draw those with fixed upsampling."""
    scenes, _ = validation_and_training(data)
    colours = colour_map(len(CLASSES))
    columns = {"picture": (scenes.images * 255 + 0.5).astype(np.uint8), "truth": colours[scenes.labels]}
    click.echo("| network | upsampling | parameters | pixel accuracy | mean IU |\n|---|---|---|---|---|")
    for upsampling in RECIPE["upsampling"]:
        for stride in RECIPE["strides"]:
            path = weights_path(weights, stride, upsampling)
            if not path.exists():
                continue
            model = shapes_fcn(stride, upsampling)
            load_weights(model, path)
            labels = predict(model, scenes)
            scores = segmentation_scores(confusion_matrix(scenes.labels, labels, len(CLASSES)))
            click.echo(
                f"| FCN-{stride}s | {upsampling} | {model.count_params():,} | {scores.pixel_accuracy:.3f} | "
                f"{scores.mean_iu:.3f} |"
            )
            if upsampling == "bilinear":
                columns[f"FCN-{stride}s"] = colours[labels]
    draw(columns, picture)


if __name__ == "__main__":
    main()
