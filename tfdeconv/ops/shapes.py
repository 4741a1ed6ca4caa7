"""Shapes that are ints where TensorFlow knows them and tensors elsewhere."""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.output_window import Size


def partial_shape(x: tf.Tensor) -> list[Size]:
    """Return every axis of ``x``: an int where it is known, else an int32 scalar tensor.

    Example:
        >>> partial_shape(tf.zeros([1, 4, 5, 3]))
        [1, 4, 5, 3]
    """
    if x.shape.is_fully_defined():
        return list(x.shape)
    dynamic = tf.shape(x)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(x.shape)]


def reshape(x: tf.Tensor, shape: list[Size]) -> tf.Tensor:
    """Return ``x`` with the axes ``shape``, whose ints stay known in the result.

    Example:
        >>> reshape(tf.zeros([2, 3]), [3, tf.constant(2)]).shape
        TensorShape([3, 2])
    """
    return tf.ensure_shape(tf.reshape(x, shape), [size if isinstance(size, int) else None for size in shape])
