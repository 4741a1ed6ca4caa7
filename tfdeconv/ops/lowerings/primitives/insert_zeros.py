"""Zeros between the samples of a tensor: upsampling without interpolation."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfdeconv.ops.tensors.shapes import partial_shape


def insert_zeros(x: tf.Tensor, factors: Sequence[int]) -> tf.Tensor:
    """Return ``[batch, *((sizes - 1) * factors + 1), channels]`` with ``x`` at every factor-th sample.

    Example:
        >>> insert_zeros(tf.ones([1, 3, 1]), [2]).numpy().ravel()
        array([1., 0., 1., 0., 1.], dtype=float32)
    """
    for axis, factor in enumerate(factors, start=1):
        if factor > 1:
            shape = partial_shape(x)
            before, after = shape[: axis + 1], shape[axis + 1 :]
            apart = tf.reshape(x, [*before, 1, *after])
            zeros = [(0, 0)] * apart.shape.rank
            zeros[axis + 1] = (0, factor - 1)
            spread = tf.reshape(tf.pad(apart, zeros), [*before[:-1], before[-1] * factor, *after])
            x = spread[(slice(None),) * axis + (slice(None, 1 - factor),)]
    return x
