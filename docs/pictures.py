"""The pictures of the site, drawn by the package: name -> function that returns the file's bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfdeconv import analysis, geometry
from tfdeconv.analysis import figures


def _drawn(draw: Callable[[], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return figures.save(draw(), Path(folder) / "picture.svg").read_bytes()


def _layout(*sizes: Any, kernel: Any = None, **options: Any) -> bytes:
    return _drawn(lambda: figures.layout(analysis.configuration(*sizes, **options), kernel=kernel))


def _matrix(kernel: Any, size: Any, title: str, **options: Any) -> bytes:
    return _drawn(lambda: figures.matrix(analysis.operator_matrix(kernel, size, **options), title=title))


def _film(*sizes: Any, kernel: Any = None, **options: Any) -> bytes:
    config = analysis.configuration(*sizes, **options)
    with tempfile.TemporaryDirectory() as folder:
        return figures.animate(config, Path(folder) / "film.gif", kernel=kernel).read_bytes()


def _bilinear() -> np.ndarray:
    taps = geometry.linear_kernel(4)
    return np.outer(taps, taps)


def _checkerboard() -> bytes:
    kernel = np.random.default_rng(3).uniform(size=(3, 3))
    return _drawn(lambda: figures.checkerboard_pattern(kernel, 2))


def _coverage() -> bytes:
    import keras

    model = keras.Sequential(
        [keras.Input([16, 16, 1]), keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same")]
    )
    return _drawn(lambda: figures.coverage(analysis.coverage(model)))


PICTURES: dict[str, Callable[[], bytes]] = {
    "stamps.gif": partial(_film, (2, 2), 3, strides=2, padding="same"),
    "seed.svg": partial(_layout, (2, 2), 3, strides=2, padding="same"),
    "stride-1.svg": partial(_layout, 4, 3, strides=1),
    "stride-2.svg": partial(_layout, 4, 3, strides=2),
    "stride-3.svg": partial(_layout, 3, 2, strides=3),
    "same.svg": partial(_layout, 4, 3, strides=2, padding="same"),
    "torch.svg": partial(_layout, 4, 3, strides=2, padding=1, output_padding=1),
    "bilinear.svg": partial(_layout, (3, 3), 4, strides=2, padding="same", kernel=_bilinear()),
    "matrix.svg": partial(_matrix, np.ones([3, 3]), 2, "T", strides=2, padding="same"),
    "checkerboard.svg": _checkerboard,
    "coverage.svg": _coverage,
}
