"""Upsampling by whole factors, and pixel shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv import layers
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

NEAREST = {1: keras.layers.UpSampling1D, 2: keras.layers.UpSampling2D, 3: keras.layers.UpSampling3D}
LINEAR = {
    1: layers.LinearUpsampling1D,
    2: layers.BilinearUpsampling2D,
    3: layers.TrilinearUpsampling3D,
}
SHUFFLE = {1: layers.PixelShuffle1D, 2: layers.PixelShuffle2D, 3: layers.PixelShuffle3D}


def upsampling(place: Place, factors: Sequence[int], *, linear: bool) -> list[Step]:
    """Return nearest repetition, or interpolation with half-pixel centres and repeated borders."""
    rank = place.known_rank()
    factor: Any = factors[0] if rank == 1 else tuple(factors)
    if all(each == 1 for each in factors):
        return []
    if linear:
        return [
            LINEAR[rank](
                factor, boundary="edge", data_format=place.data_format, dtype=place.dtype, name=place.name
            )
        ]
    if rank == 1:
        if place.channels_first:  # Keras's layer is channels last
            return [lambda x: keras.ops.repeat(x, factor, axis=2)]
        return [NEAREST[1](factor, dtype=place.dtype, name=place.name)]
    return [NEAREST[rank](factor, data_format=place.data_format, dtype=place.dtype, name=place.name)]


def pixel_shuffle(place: Place, factor: int | Sequence[int], order: Literal["dcr", "crd"]) -> list[Step]:
    """Return depth to space, its channels ordered as "dcr" or "crd"."""
    return [
        SHUFFLE[place.known_rank()](
            factor, order=order, data_format=place.data_format, dtype=place.dtype, name=place.name
        )
    ]


def pixel_unshuffle(place: Place, factor: int, order: Literal["dcr", "crd"]) -> list[Step]:
    """Return space to depth, its channels ordered as "dcr" or "crd"."""

    def step(x: Any) -> Any:
        rows, columns = place.spatial_axes
        parts = []
        for row in range(factor):
            for column in range(factor):
                key: list[slice] = [slice(None)] * 4
                key[rows], key[columns] = slice(row, None, factor), slice(column, None, factor)
                parts.append(x[tuple(key)])
        joined = keras.ops.concatenate(parts, axis=place.channel_axis)
        if order == "dcr":
            return joined
        channels = x.shape[place.channel_axis]
        if channels is None:
            raise ConversionError("needs a known number of channels; give input_shape=.")
        moved = np.arange(channels * factor**2).reshape(-1, channels).T.ravel()
        return keras.ops.take(joined, moved, axis=place.channel_axis)

    return [step]


def by_matrices(place: Place, matrices: Sequence[npt.NDArray[Any]]) -> list[Step]:
    """Return the resampling of each spatial axis by its matrix ``[outputs, inputs]``."""

    def step(x: Any) -> Any:
        for axis, matrix in zip(place.spatial_axes, matrices, strict=True):
            if matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, np.eye(len(matrix))):
                continue
            last = keras.ops.moveaxis(x, axis, -1)
            x = keras.ops.moveaxis(keras.ops.matmul(last, matrix.T.astype(x.dtype)), -1, axis)
        return x

    return [step]


def pick(place: Place, indices: Sequence[npt.NDArray[np.integer[Any]]]) -> list[Step]:
    """Return the samples at ``indices`` of each spatial axis."""

    def step(x: Any) -> Any:
        for axis, at in zip(place.spatial_axes, indices, strict=True):
            if x.shape[axis] != len(at) or not np.array_equal(at, np.arange(len(at))):
                x = keras.ops.take(x, at, axis=axis)
        return x

    return [step]
