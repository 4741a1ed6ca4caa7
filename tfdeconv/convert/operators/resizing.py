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


def linear_matrix(coordinates: npt.NDArray[np.floating[Any]], size: int) -> npt.NDArray[np.float64]:
    """Return the matrix that interpolates ``size`` samples at ``coordinates``; borders are repeated.

    Example:
        >>> linear_matrix(np.array([-0.25, 0.25, 1.0]), 2).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]
    """
    at = np.clip(np.asarray(coordinates, np.float64), 0, size - 1)
    below = np.minimum(np.floor(at).astype(int), size - 1)
    above = np.minimum(below + 1, size - 1)
    matrix = np.zeros([len(at), size])
    rows = np.arange(len(at))
    np.add.at(matrix, (rows, below), 1 - (at - below))
    np.add.at(matrix, (rows, above), at - below)
    return matrix


def cubic_matrix(
    coordinates: npt.NDArray[np.floating[Any]], size: int, a: float = -0.75, *, exclude_outside: bool = False
) -> npt.NDArray[np.float64]:
    """Return the matrix of cubic convolution at ``coordinates``; borders are repeated, or left out.

    Example:
        >>> cubic_matrix(np.array([1.0, 1.5]), 4).tolist()
        [[0.0, 1.0, 0.0, 0.0], [-0.09375, 0.59375, 0.59375, -0.09375]]

    References:
        Keys (1981), "Cubic convolution interpolation for digital image processing".
    """
    at = np.asarray(coordinates, np.float64)
    below = np.floor(at).astype(int)
    matrix = np.zeros([len(at), size])
    for tap in range(-1, 3):
        place = below + tap
        weight = _cubic(np.abs(at - place), a)
        if exclude_outside:
            weight = np.where((place < 0) | (place >= size), 0, weight)
        np.add.at(matrix, (np.arange(len(at)), np.clip(place, 0, size - 1)), weight)
    return matrix / matrix.sum(1, keepdims=True) if exclude_outside else matrix


def _cubic(x: npt.NDArray[Any], a: float) -> npt.NDArray[Any]:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _triangle(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.maximum(1 - x, 0.0)


def area_matrix(outputs: int, size: int) -> npt.NDArray[np.float64]:
    """Return the matrix of means over the samples that each output touches.

    Example:
        >>> area_matrix(2, 3).tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    matrix = np.zeros([outputs, size])
    for row in range(outputs):
        first, last = row * size // outputs, -(-(row + 1) * size // outputs)
        matrix[row, first:last] = 1 / (last - first)
    return matrix


def antialiased_matrix(outputs: int, size: int, scale: float, *, cubic: bool) -> npt.NDArray[np.float64]:
    """Return the matrix of a triangle or cubic kernel (a = -0.5) as wide as the outputs are apart.

    Args:
        outputs: The number of outputs.
        size: The number of inputs.
        scale: How many inputs an output stands for.
        cubic: Whether the kernel is cubic.

    Example:
        >>> antialiased_matrix(1, 2, 2.0, cubic=False).tolist()
        [[0.5, 0.5]]

    References:
        ``aten/src/ATen/native/cpu/UpSampleKernel.cpp``, after Pillow's ``Resample.c``.
    """
    wide = max(scale, 1.0)
    reach = wide * (2 if cubic else 1)
    matrix = np.zeros([outputs, size])
    for row in range(outputs):
        centre = scale * (row + 0.5)
        first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)
        x = np.abs((np.arange(first, last) - centre + 0.5) / wide)
        weights = _cubic(x, -0.5) if cubic else _triangle(x)
        matrix[row, first:last] = weights / weights.sum()
    return matrix
