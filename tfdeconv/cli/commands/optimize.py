"""``tfdeconv optimize``: a saved Keras model becomes a faster one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.keras_file import load_keras_file
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging.formats.atomic_file import draft_of


@click.command(
    epilog="""\b
Examples:
  tfdeconv optimize upscaler.keras fast.keras --input-shape 256x256x1
  tfdeconv optimize upscaler.keras half.keras --input-shape 256x256x1 \\
      --precision bfloat16"""
)
@click.argument("model_file", type=PATH)
@click.argument("output_file", type=PATH)
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    required=True,
    metavar="NxNx...",
    help="Shape of one input without the batch, such as 256x256x3. Once for each input.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default=True,
    help="Batch size to measure.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="Time to spend on measuring.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "gpu"]),
    help="Where the model will run.  [default: the GPU if one is visible]",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="What convolutions compute in; bfloat16 changes the outputs, and the command prints by how much.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT_FILE if it exists.")
def command(
    model_file: Path,
    output_file: Path,
    shapes: tuple[str, ...],
    batch: int,
    budget_s: float,
    device: Any,
    precision: Any,
    *,
    overwrite: bool,
) -> None:
    """Write a faster model with the same outputs.

    Reads the Keras model MODEL_FILE, measures at the given shape, prints what was rewritten and
    writes OUTPUT_FILE (.keras).
    """
    parsed = [_shape(text) for text in shapes]
    _check_output(output_file, overwrite=overwrite)
    import_tensorflow()
    import tfdeconv as td

    result = td.optimize(
        load_keras_file(model_file, "MODEL_FILE"),
        parsed,
        batch=batch,
        budget_s=budget_s,
        device=device,
        precision=precision,
    )
    with draft_of(output_file, overwrite=overwrite) as draft:
        result.model.save(draft)
    click.echo(result.report)


def _shape(text: str) -> tuple[int, ...]:
    if re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text) is None:
        raise InvalidArgumentError(f"--input-shape must be sizes like 256x256x3; received {text!r}.")
    return tuple(map(int, text.split("x")))


def _check_output(path: Path, *, overwrite: bool) -> None:
    if path.suffix != ".keras":
        raise InvalidArgumentError(f"OUTPUT_FILE must end in .keras; received {str(path)!r}.")
    if not path.parent.is_dir():
        raise FileError(
            f"OUTPUT_FILE must be in a folder that exists; there is no folder {str(path.parent)!r}."
        )
    if path.exists() and not overwrite:
        raise FileError(f"OUTPUT_FILE {str(path)!r} exists. Choose another name, or pass --overwrite.")
