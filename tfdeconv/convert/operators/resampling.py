"""Interpolation of one axis: which samples, or which sums of samples, its outputs are.

Sizes are ints or integer tensors, and so what these functions return may be computed while a model runs.

References:
    ``aten/src/ATen/native/UpSample.h``: ``area_pixel_compute_scale`` and ``..._source_index``; ONNX, Resize.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

NEAREST = ("nearest", "nearest-exact")


def _scale(size: Any, outputs: Any, factor: float | None, dtype: Any) -> tf.Tensor:
    """How many inputs an output stands for, as exact as PyTorch keeps it."""
    if factor is not None:
        return tf.constant(1 / factor, dtype)
    return tf.cast(size, dtype) / tf.cast(outputs, dtype)


def nearest(outputs: Any, size: Any, mode: str, *, factor: float | None = None) -> tf.Tensor:
    """Return the sample that each output repeats.

    Args:
        outputs: The number of outputs.
        size: The number of inputs.
        mode: "nearest" or "nearest-exact", which counts from the centres of samples.
        factor: How many outputs stand on an input; None: the quotient of the sizes.

    Example:
        >>> nearest(3, 4, "nearest").numpy(), nearest(3, 4, "nearest-exact").numpy()
        (array([0, 1, 2], dtype=int32), array([0, 2, 3], dtype=int32))
    """
    at = tf.cast(tf.range(outputs, dtype=tf.int32), tf.float32)
    shift = 0.5 if mode == "nearest-exact" else 0.0
    below = tf.floor((at + shift) * _scale(size, outputs, factor, tf.float32))
    return tf.minimum(tf.cast(below, tf.int32), size - 1)


def matrix(
    outputs: Any,
    size: Any,
    mode: str,
    *,
    factor: float | None = None,
    coordinates: str = "half_pixel",
    antialias: bool = False,
    dtype: Any = tf.float32,
) -> tf.Tensor:
    """Return the matrix ``[outputs, size]`` in float64.

    Args:
        outputs: The number of outputs.
        size: The number of inputs.
        mode: "linear", "cubic" or "area".
        factor: How many outputs stand on an input; None: the quotient of the sizes.
        coordinates: Where outputs lie, by ONNX's names: "half_pixel", "pytorch_half_pixel", "asymmetric", or
            "align_corners", whatever ``factor`` is.
        antialias: Whether the kernel is as wide as the outputs are apart.
        dtype: The type of the samples; PyTorch computes places in float32 at least.

    Example:
        >>> matrix(3, 2, "linear", coordinates="align_corners").numpy().tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    if mode == "area":
        return area_matrix(outputs, size)
    if coordinates == "align_corners":
        first, last = (tf.cast(number - 1, tf.float64) for number in (size, outputs))
        scale = tf.math.divide_no_nan(first, last)
    else:
        exact = tf.float64 if dtype == tf.float64 else tf.float32
        scale = tf.cast(_scale(size, outputs, factor, exact), tf.float64)
    if antialias:
        return antialiased_matrix(outputs, size, scale, cubic=mode == "cubic")
    y = tf.cast(tf.range(outputs), tf.float64)
    if coordinates in ("half_pixel", "pytorch_half_pixel"):
        at = (y + 0.5) * scale - 0.5
        if coordinates == "pytorch_half_pixel":  # the only output is the first input
            at = tf.where(outputs > 1, at, y)
    else:
        at = y * scale
    return cubic_matrix(at, size) if mode == "cubic" else linear_matrix(at, size)


def along(x: Any, axis: int, matrix: Any) -> Any:
    """Return ``x`` with one axis resampled by a matrix ``[outputs, inputs]``.

    Example:
        >>> along(tf.constant([[1.0, 3.0]]), 1, tf.constant([[0.5, 0.5]])).numpy()
        array([[2.]], dtype=float32)
    """
    rank = len(x.shape)
    order = [*range(axis), *range(axis + 1, rank), axis]
    back = [order.index(each) for each in range(rank)]
    moved = tf.linalg.matmul(tf.transpose(x, order), tf.cast(matrix, x.dtype), transpose_b=True)
    return tf.transpose(moved, back)


def linear_matrix(coordinates: Any, size: Any) -> tf.Tensor:
    """Return the matrix that interpolates ``size`` samples at ``coordinates``; borders are repeated.

    Example:
        >>> linear_matrix([-0.25, 0.25, 1.0], 2).numpy().tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]
    """
    last = tf.cast(size - 1, tf.float64)
    at = tf.clip_by_value(tf.cast(coordinates, tf.float64), tf.zeros_like(last), last)
    return _triangle(tf.abs(at[:, None] - _columns(size)))


def cubic_matrix(
    coordinates: Any, size: Any, a: float = -0.75, *, exclude_outside: bool = False
) -> tf.Tensor:
    """Return the matrix of cubic convolution at ``coordinates``; borders are repeated, or left out.

    Example:
        >>> cubic_matrix([1.0, 1.5], 4).numpy().tolist()
        [[0.0, 1.0, 0.0, 0.0], [-0.09375, 0.59375, 0.59375, -0.09375]]

    References:
        Keys (1981), "Cubic convolution interpolation for digital image processing".
    """
    at = tf.cast(coordinates, tf.float64)
    columns = _columns(size)
    last = tf.cast(size - 1, tf.float64)
    below = tf.floor(at)
    matrix = tf.zeros([1, 1], tf.float64)
    for tap in range(-1, 3):
        place = below + tap
        weight = _cubic(tf.abs(at - place), a)
        inside = place if exclude_outside else tf.clip_by_value(place, tf.zeros_like(last), last)
        matrix += tf.where(inside[:, None] == columns, weight[:, None], tf.zeros_like(weight)[:, None])
    return matrix / tf.reduce_sum(matrix, 1, keepdims=True) if exclude_outside else matrix


def area_matrix(outputs: Any, size: Any) -> tf.Tensor:
    """Return the matrix of means over the samples that each output touches.

    Example:
        >>> area_matrix(2, 3).numpy().tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    row, column = tf.range(outputs)[:, None], tf.range(size)[None]
    first, last = row * size // outputs, -(-(row + 1) * size // outputs)
    touched = tf.cast((column >= first) & (column < last), tf.float64)
    return touched / tf.cast(last - first, tf.float64)


def antialiased_matrix(outputs: Any, size: Any, scale: Any, *, cubic: bool) -> tf.Tensor:
    """Return the matrix of a triangle or cubic kernel (a = -0.5) as wide as the outputs are apart.

    Args:
        outputs: The number of outputs.
        size: The number of inputs.
        scale: How many inputs an output stands for.
        cubic: Whether the kernel is cubic.

    Example:
        >>> antialiased_matrix(1, 2, 2.0, cubic=False).numpy().tolist()
        [[0.5, 0.5]]

    References:
        ``aten/src/ATen/native/cpu/UpSampleKernel.cpp``, after Pillow's ``Resample.c``.
    """
    scale = tf.cast(scale, tf.float64)
    wide = tf.maximum(scale, 1.0)
    reach = wide * (2 if cubic else 1)
    centre = scale * (tf.cast(tf.range(outputs), tf.float64)[:, None] + 0.5)
    column = _columns(size)
    whole = tf.cast(tf.cast(centre - reach + 0.5, tf.int32), tf.float64)
    first = tf.maximum(whole, 0.0)
    last = tf.cast(tf.cast(centre + reach + 0.5, tf.int32), tf.float64)
    x = tf.abs((column - centre + 0.5) / wide)
    weights = _cubic(x, -0.5) if cubic else _triangle(x)
    weights = tf.where((column >= first) & (column < last), weights, tf.zeros_like(weights))
    return weights / tf.reduce_sum(weights, 1, keepdims=True)


def _columns(size: Any) -> tf.Tensor:
    return tf.cast(tf.range(size), tf.float64)[None]


def _cubic(x: tf.Tensor, a: float) -> tf.Tensor:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return tf.where(x <= 1, near, tf.where(x < 2, far, tf.zeros_like(x)))


def _triangle(x: tf.Tensor) -> tf.Tensor:
    return tf.maximum(1 - x, tf.zeros_like(x))
