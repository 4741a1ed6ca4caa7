"""Whole decoders against the same decoders in plain Keras: checked for equal numbers, then timed.

Run ``python benchmarks/models.py`` from the source tree; nothing else should keep the processor busy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import keras
import numpy as np
import tensorflow as tf

from tfdeconv import zoo
from tfdeconv.initializers import Bilinear

CLASSES = 21
PICTURE = (512, 512, 3)
TITLE = "FCN-8s head, 21 classes, 512x512"
TARGET = 4.0
"""How many times faster than the dense head the FCN-8s head shall be."""


def fcn_8s_head(upsampling: str) -> tuple[keras.Model, list[Any]]:
    """Return the decoder of FCN-8s on VGG16 without its backbone, and the shapes of its features."""
    model = zoo.FCN("VGG16", CLASSES, 8, upsampling, input_shape=PICTURE)
    features = model.get_layer("score").input, *(model.get_layer(f"score_skip_{i}").input for i in (1, 2))
    return keras.Model([*features, model.input], model.output), [tuple(f.shape[1:]) for f in features]


def dense_head(shapes: Sequence[tuple[int, ...]]) -> keras.Model:
    """Return the same decoder as the FCN reference writes it: dense kernels that mix no classes."""

    def upsample(scores: Any, factor: int) -> Any:
        return keras.layers.Conv2DTranspose(
            CLASSES, 2 * factor, factor, "same", use_bias=False, kernel_initializer=Bilinear()
        )(scores)

    features = [keras.Input(shape) for shape in shapes]
    scores = keras.layers.Conv2D(CLASSES, 1, name="score")(features[0])
    for index, feature in enumerate(features[1:], start=1):
        skip = keras.layers.Conv2D(CLASSES, 1, name=f"score_skip_{index}")(feature)
        scores = keras.layers.Add()([upsample(scores, 2), skip])
    return keras.Model(features, upsample(scores, 8))


def compare(upsampling: str, rounds: int) -> tuple[float, float, float]:
    """Return milliseconds of our head and of the dense one, and their largest difference."""
    ours, shapes = fcn_8s_head(upsampling)
    dense = dense_head(shapes)
    rng = np.random.default_rng(0)
    for name in ("score", "score_skip_1", "score_skip_2"):
        weights = [rng.normal(0, 0.05, weight.shape) for weight in ours.get_layer(name).weights]
        ours.get_layer(name).set_weights(weights)
        dense.get_layer(name).set_weights(weights)
    features = [tf.constant(rng.normal(size=(1, *shape)).astype("float32")) for shape in shapes]
    picture = tf.zeros([1, *PICTURE])
    calls = [
        tf.function(lambda: ours([*features, picture], training=False), autograph=False),
        tf.function(lambda: dense(features, training=False), autograph=False),
    ]
    difference = float(tf.reduce_max(tf.abs(calls[0]() - calls[1]())))
    if difference > 1e-4:
        raise SystemExit(f"FCN-8s head ({upsampling}) differs from the dense one by {difference:.1e}.")
    fast, slow = _medians(calls, rounds)
    return fast, slow, difference


def _medians(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Median milliseconds of each call, taken in turn so that all see the same machine."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            taken.append((time.perf_counter() - start) * 1e3)
    return [float(np.median(taken)) for taken in times]


@click.command()
@click.option("--rounds", default=50, show_default=True, help="Calls that each median is taken over.")
def main(rounds: int) -> None:
    """Time the FCN-8s head with 21 classes on a 512 x 512 picture."""
    click.echo(f"{TITLE:<36}{'ms':>8}{'dense Keras ms':>16}{'faster':>8}  largest difference")
    for upsampling in ("bilinear", "learned"):
        fast, slow, difference = compare(upsampling, rounds)
        click.echo(f"{upsampling:<36}{fast:>8.2f}{slow:>16.2f}{slow / fast:>7.1f}x  {difference:.1e}")
    click.echo(f"Target: {TARGET:.0f}x")


if __name__ == "__main__":
    main()
