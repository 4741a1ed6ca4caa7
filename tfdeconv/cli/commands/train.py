"""``tfdeconv train``: train a small luma upscaler from a folder of photographs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import FileError, InvalidArgumentError


@click.command(
    epilog="""\b
Examples:
  tfdeconv train slim --scale 2 --data photos/
  tfdeconv train slim --scale 2 --data photos/ --source jpeg"""
)
@click.argument("architecture", type=click.Choice(["fine", "fsrcnn", "slim"]))
@click.option("--scale", type=click.IntRange(2, 4), metavar="FACTOR", required=True, help="Upscaling factor.")
@click.option(
    "--data",
    type=PATH,
    metavar="FOLDER",
    required=True,
    multiple=True,
    help="Folder of photographs. May be repeated.",
)
@click.option(
    "--source",
    type=click.Choice(["clean", "jpeg"]),
    default="clean",
    show_default=True,
    help="Pictures to train for: jpeg takes the recipe that repairs the traces of compression.",
)
@click.option(
    "--recipe",
    type=PATH,
    metavar="FILE",
    help="Recipe (.toml).  [default: the one of the shipped weights]",
)
@click.option(
    "--output",
    type=PATH,
    metavar="FOLDER",
    default=Path("build/train"),
    show_default=True,
    help="The run's files go to FOLDER/ARCHITECTURE/xSCALE, or FOLDER/ARCHITECTURE-jpeg/xSCALE.",
)
@click.option(
    "--initial",
    type=PATH,
    metavar="FILE",
    help="Weights file (.npz) to start from.  [default: what the recipe says]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Processor threads.",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Graphics cards, each with an equal part of every batch; without any, parts of the processor.",
)
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Stop at this step; the run can go on later."
)
def command(
    architecture: str,
    scale: int,
    data: Sequence[Path],
    source: Any,
    recipe: Path | None,
    output: Path,
    initial: Path | None,
    threads: int,
    devices: int,
    steps: int | None,
) -> None:
    """Train an upscaler on a folder of photographs.

    ARCHITECTURE is slim, the network of --quality fast; fine, that of --quality fine; or fsrcnn, the one of
    Dong, Loy and Tang (2016) to compare with.

    A run that was stopped, even killed, goes on from its last checkpoint when the same command is given
    again, and ends at the same weights as if it had never stopped. `tensorboard --logdir FOLDER` shows
    loss, learning rate and the PSNR on held-out parts of the photographs.
    """
    tensorflow = import_tensorflow()
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    from tfdeconv.training.devices import strategy
    from tfdeconv.training.run import Run

    try:
        together = strategy(devices)
        run = Run.of(architecture, scale, source=source, recipe=recipe, output=output, initial=initial)
    except (FileError, InvalidArgumentError) as error:
        raise type(error)(f"--{error}") from None  # the message begins with the argument's name
    click.echo(f"Cutting patches from {', '.join(map(shown, data))} ...")
    patches = run.patches(data)
    click.echo(f"{len(patches)} patches to train on, {len(patches.holdout)} squares held out.")
    with together.scope():
        outcome = run.train(patches, until=steps)
    click.echo(f"Step {outcome.step}: held-out PSNR {outcome.psnr:.3f} dB, best {outcome.best:.3f} dB.")
    weights = run.weights
    quoted = shlex.quote(str(weights))
    click.echo(f"Weights  {shown(weights)}")
    click.echo(f"Score    tfdeconv evaluate --data DIR --scale {scale} --weights {quoted}")
    click.echo(f"Use      tfdeconv upscale FILE -o OUT --scale {scale} --weights {quoted}")
