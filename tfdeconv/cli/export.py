"""``tfdeconv export``: a model becomes a SavedModel version folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import numpy as np

from tfdeconv.cli.keras_file import load_keras_file
from tfdeconv.cli.messages import shown
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import InvalidArgumentError


@click.command()
@click.argument("base_path", type=click.Path(path_type=Path))
@click.option("--scale", type=click.IntRange(2, 4), default=2, show_default=True, help="Upscaling factor.")
@click.option(
    "--model",
    "model_file",
    type=click.Path(path_type=Path),
    help="Export this .keras file instead of the upscaler that comes with tfdeconv.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Weights file (.npz) of `tfdeconv train` for the upscaler.",
)
@click.option("--version", type=int, help="Version number.  [default: one more than the newest]")
@click.option(
    "--warmup",
    multiple=True,
    metavar="HEIGHTxWIDTH",
    help="Let servers try a picture of this size before they take traffic. May be repeated.",
)
def command(
    base_path: Path,
    scale: int,
    model_file: Path | None,
    weights: Path | None,
    version: int | None,
    warmup: tuple[str, ...],
) -> None:
    """Write a model as BASE_PATH/VERSION/, ready for TensorFlow Serving and `tfdeconv serve`.

    The last part of BASE_PATH is the model's name. The folder appears in one step, so a server
    that watches BASE_PATH never sees half a model.

    \b
    Examples:
      tfdeconv export models/upscaler --scale 2 --warmup 256x256
      tfdeconv export models/upscaler --scale 3 --weights build/train/slim/x3/weights.npz
      tfdeconv export models/segmenter --model segmenter.keras
    """  # noqa: D301 - click reads the \b
    sizes = [_size(text) for text in warmup]
    if model_file is not None and weights is not None:
        raise InvalidArgumentError("--weights are for the upscaler, --model replaces it: give one of them.")
    import_tensorflow()
    import tfdeconv as td

    if model_file is None:
        model = td.zoo.RGBUpscaler(td.zoo.load_upscaler(scale, weights=weights), scale)
    else:
        model = load_keras_file(model_file, "--model")
    requests = {"serving_default": [_request(model, *size) for size in sizes]} if sizes else None
    click.echo(shown(td.export_saved_model(model, base_path, version=version, warmup=requests)))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise InvalidArgumentError(f"--warmup must be HEIGHTxWIDTH, such as 256x256; received {text!r}.")
    return int(match[1]), int(match[2])


def _request(model: Any, height: int, width: int) -> dict[str, Any]:
    """One mid-grey picture for a model of pictures."""
    (image,) = model.inputs if len(model.inputs) == 1 else (None,)
    if image is None or len(image.shape) != 4 or image.shape[-1] is None:
        raise InvalidArgumentError(
            f"--warmup needs a model with one picture as input; {model.name!r} has not."
        )
    return {image.name: np.full((1, height, width, image.shape[-1]), 0.5, image.dtype)}
