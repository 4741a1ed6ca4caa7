"""``tfdeconv export``: a model becomes a SavedModel version folder, or a file of another runtime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import numpy as np

from tfdeconv.cli.keras_file import load_keras_file
from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import InvalidArgumentError

_TILE = 512
"""Longest side of the tiles of the upscalers that come with tfdeconv."""


@click.command(
    epilog="""\b
Examples:
  tfdeconv export models/upscaler --scale 2 --warmup 256x256
  tfdeconv export models/fine --quality fine
  tfdeconv export models/upscaler --scale 3 \\
      --weights build/train/slim/x3/weights.npz
  tfdeconv export models/segmenter --model segmenter.keras --tile 1024
  tfdeconv export upscaler.onnx --format onnx
  tfdeconv export upscaler.tflite --format litert --luma \\
      --precision int8 --calibration photos/"""
)
@click.argument("path", metavar="PATH", type=PATH)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["saved_model", "onnx", "litert", "openvino"]),
    default="saved_model",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--scale",
    type=click.IntRange(2, 4),
    metavar="FACTOR",
    default=2,
    show_default=True,
    help="Upscaling factor.",
)
@click.option(
    "--quality",
    type=click.Choice(["fast", "fine"]),
    default="fast",
    show_default=True,
    help="fine shows more detail and takes about three times as long.",
)
@click.option(
    "--source",
    type=click.Choice(["clean", "jpeg"]),
    default="clean",
    show_default=True,
    help="Pictures that the upscaler is for; jpeg repairs the traces of compression.",
)
@click.option(
    "--model",
    "model_file",
    type=PATH,
    metavar="FILE",
    help="Export this .keras file instead of the upscaler that comes with tfdeconv.",
)
@click.option(
    "--weights",
    type=PATH,
    metavar="FILE",
    help="Weights file (.npz) of `tfdeconv train` for the upscaler.",
)
@click.option(
    "--version",
    type=int,
    metavar="N",
    help="Version number of a SavedModel.  [default: one more than the newest]",
)
@click.option(
    "--warmup",
    multiple=True,
    metavar="HEIGHTxWIDTH",
    help="Let servers of a SavedModel try a picture of this size first. May be repeated.",
)
@click.option(
    "--tile",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Longest side of the tiles in which clients and the page send large pictures to a SavedModel.  "
    f"[default: {_TILE}; none with --model]",
)
@click.option(
    "--max-image-pixels",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Most pixels of an encoded picture that a SavedModel decodes, on any server; `tfdeconv serve` has "
    f"a limit of its own, and the lower one decides.  [default: {1 << 26}]",
)
@click.option(
    "--luma", is_flag=True, help="Other formats: the upscaler's luma network alone, without the colours."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16", "int8"]),
    help="Other formats: type of the numbers.  [default: float32]",
)
@click.option(
    "--calibration",
    type=PATH,
    metavar="PLACE",
    help="With --precision int8: folder of pictures, or .npy file of samples, that sets the ranges.",
)
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    metavar="NxNx...",
    help="Other formats: fixed shape of one input without the batch, such as 256x256x3. Once for each input.",
)
def command(
    path: Path,
    format_: str,
    scale: int,
    quality: Any,
    source: Any,
    model_file: Path | None,
    weights: Path | None,
    version: int | None,
    warmup: tuple[str, ...],
    tile: int | None,
    max_image_pixels: int | None,
    *,
    luma: bool,
    precision: str | None,
    calibration: Path | None,
    shapes: tuple[str, ...],
) -> None:
    """Write a model for TensorFlow Serving, ONNX Runtime, LiteRT or OpenVINO.

    A SavedModel becomes PATH/VERSION/, ready for TensorFlow Serving and `tfdeconv serve`; the last part
    of PATH is the model's name. The folder appears in one step, so a server that watches PATH never sees
    half a model.

    In the other formats PATH is one file (.onnx, .tflite or .xml). It is run in its own runtime and
    appears only if it computes what the model computes.
    """
    sizes = [_size(text) for text in warmup]
    if model_file is not None and weights is not None:
        raise InvalidArgumentError("--weights are for the upscaler, --model replaces it: give one of them.")
    if (model_file or weights) is not None and (quality, source) != ("fast", "clean"):
        raise InvalidArgumentError(
            "--quality and --source choose among the networks that come with tfdeconv; "
            f"{'--weights' if model_file is None else '--model'} is another one."
        )
    portable = {"luma": luma, "precision": precision, "calibration": calibration, "input-shape": shapes}
    saved_model = {"version": version, "warmup": warmup, "tile": tile, "max-image-pixels": max_image_pixels}
    _check_options(format_, saved_model, portable)
    import_tensorflow()
    import tfdeconv as td

    if model_file is not None:
        model = load_keras_file(model_file, "--model")
    else:
        model = td.zoo.load_upscaler(
            scale, quality=quality, source=source, weights=weights, data_format="channels_last"
        )
        if not luma:
            model = td.zoo.RGBUpscaler(model, scale)
    if format_ != "saved_model":
        report = td.export_portable(
            model,
            path,
            format=format_,
            precision=precision or "float32",
            calibration=_calibration(calibration),
            input_shape=[_shape(text) for text in shapes] or None,
        )
        click.echo(report)
        return
    requests = {"serving_default": [_request(model, *size) for size in sizes]} if sizes else None
    if tile is None and model_file is None:
        tile = _TILE
    exported = td.export_saved_model(
        model, path, version=version, warmup=requests, tile=tile, max_image_pixels=max_image_pixels
    )
    click.echo(shown(exported))


def _check_options(format_: str, saved_model: dict[str, Any], portable: dict[str, Any]) -> None:
    """Raise where an option has no effect in this format."""
    unused = portable if format_ == "saved_model" else saved_model
    given = [
        f"--{name}"
        for name, value in unused.items()
        if value is not None and value is not False and value != ()
    ]
    if given:
        formats = "the other formats" if format_ == "saved_model" else "saved_model"
        raise InvalidArgumentError(f"{given[0]} is for {formats}; received --format {format_}.")


def _calibration(path: Path | None) -> Any:
    if path is None or path.suffix != ".npy":
        return path
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(
            f"--calibration must be a folder of pictures or a .npy file of samples; {str(path)!r}: {error}"
        ) from error


def _shape(text: str) -> tuple[int, ...]:
    if re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text) is None:
        raise InvalidArgumentError(f"--input-shape must be sizes like 256x256x3; received {text!r}.")
    return tuple(map(int, text.split("x")))


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
