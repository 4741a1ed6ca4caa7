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


@click.command()
@click.argument("architecture", type=click.Choice(["fine", "fsrcnn", "slim"]))
@click.option("--scale", type=click.IntRange(2, 4), required=True, help="Upscaling factor.")
@click.option(
    "--data",
    type=PATH,
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
    help="Recipe (TOML).  [default: the one of the shipped weights]",
)
@click.option(
    "--output",
    type=PATH,
    default=Path("build/train"),
    show_default=True,
    help="The run's files go to OUTPUT/ARCHITECTURE/xSCALE, or OUTPUT/ARCHITECTURE-jpeg/xSCALE.",
)
@click.option(
    "--initial",
    type=PATH,
    help="Weights file (.npz) to start from.  [default: what the recipe says]",
)
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Processor threads."
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Graphics cards, each with an equal part of every batch; without any, parts of the processor.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Stop (resumably) at this step.")
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
    """Train ARCHITECTURE on a folder of photographs.

    A run that was stopped, even killed, goes on from its last checkpoint when the same command is given
    again, and ends at the same weights as if it had never stopped. `tensorboard --logdir OUTPUT` shows
    loss, learning rate and the PSNR on held-out parts of the photographs.

    \b
    Examples:
      tfdeconv train slim --scale 2 --data photos/
      tfdeconv train slim --scale 2 --data photos/ --source jpeg
    """  # noqa: D301 - click reads the \b
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
    click.echo(f"Cutting patches from {', '.join(map(str, data))} ...")
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
