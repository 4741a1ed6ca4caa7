"""What bfloat16 brings and costs: the shipped upscalers after ``td.optimize`` in both precisions.

Run ``python benchmarks/precision.py [--data set5]`` from the source tree. Rates are megapixels of the output
per second at one picture of ``--size``: both forms take turns, and the shortest of all runs counts. The loss
is that of the mean PSNR of luma on a folder with ``x2/``, ``x3/`` and ``x4/``, as `tfdeconv evaluate` scores
it; without ``--data``, of the demo's photograph.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import harness.contest as contest
import keras
import numpy as np
import tensorflow as tf

import tfdeconv as td
from tfdeconv.cli.commands.demo import PHOTO
from tfdeconv.training.scored_pairs import Pair, scored_pairs
from tfdeconv.training.scores import mean_score, score

PRECISIONS = ("float32", "bfloat16")
MOST_LOSS = 0.02
"""Decibels that bfloat16 may cost."""


def pairs(data: Path | None, scale: int) -> list[Pair]:
    """Return the pictures to score on."""
    if data is not None:
        return list(scored_pairs(data / f"x{scale}", scale))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, PHOTO.name).write_bytes(PHOTO.read_bytes())
        return list(scored_pairs(Path(folder), scale))


def mean_psnr(model: keras.Model, scored: list[Pair], scale: int) -> float:
    """Return the mean PSNR of luma."""
    predict = tf.function(model, reduce_retracing=True, autograph=False)

    def upscale(low: np.ndarray) -> np.ndarray:
        return predict(tf.constant(low[None, :, :, None]))[0, :, :, 0].numpy()

    return mean_score(score(pair, upscale, scale) for pair in scored).psnr


def optimized(quality: str, scale: int, size: int) -> dict[str, keras.Model]:
    """Return the upscaler as ``td.optimize`` makes it, by precision."""
    model = td.zoo.load_upscaler(scale, quality=quality)
    return {name: td.optimize(model, (size, size, 1), precision=name).model for name in PRECISIONS}


def calls(models: dict[str, keras.Model], size: int) -> dict[str, Callable[[], object]]:
    """Return a call of each model as a graph on one picture."""
    x = tf.constant(np.random.default_rng(0).random((1, size, size, 1)), tf.float32)
    graphs = {name: tf.function(model, autograph=False) for name, model in models.items()}
    return {name: lambda graph=graph: graph(x) for name, graph in graphs.items()}


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Such as set5.")
@click.option("--size", default=256, show_default=True, help="Side of the small picture.")
@click.option("--seconds", default=6.0, show_default=True, help="Time for each pair.")
def main(data: Path | None, size: int, seconds: float) -> None:
    """Print rates and losses, and whether both targets are met."""
    click.echo(f"{size}x{size}, {contest.machine()}\n")
    click.echo(
        "| upscaler | float32, MP/s | bfloat16, MP/s | ratio | PSNR | loss | |\n|---|---|---|---|---|---|---|"
    )
    for quality in ("fast", "fine"):
        for scale in (2, 3, 4):
            models = optimized(quality, scale, size)
            scored = pairs(data, scale)
            quality_of = {name: mean_psnr(model, scored, scale) for name, model in models.items()}
            rates = {
                name: (size * scale) ** 2 / 1e3 / ms
                for name, ms in contest.race(calls(models, size), seconds).items()
            }
            gain = rates["bfloat16"] / rates["float32"]
            loss = quality_of["float32"] - quality_of["bfloat16"]
            click.echo(
                f"| {quality} x{scale} | {rates['float32']:.1f} | {rates['bfloat16']:.1f} | {gain:.2f} "
                f"| {quality_of['bfloat16']:.2f} dB | {loss:.3f} dB "
                f"| {'pays' if gain > 1 and loss < MOST_LOSS else '**does not pay**'} |"
            )


if __name__ == "__main__":
    main()
