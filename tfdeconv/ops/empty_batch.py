"""A guard against oneDNN: its convolutions return an empty batch in the shape of their input."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def on_nonempty_batch(op: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Return ``op(x)``, computed on one sample of zeros, which is dropped, where ``x`` has no sample.

    Neither the pad nor the slice copies anything for other batches.

    Args:
        op: Maps ``[batch, ...]`` to ``[batch, ...]``, sample by sample.
        x: Its input; the batch may be unknown.

    Example:
        >>> kernel = tf.ones([3, 3, 1, 2])
        >>> on_nonempty_batch(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), tf.zeros([0, 3, 3, 1])).shape
        TensorShape([0, 1, 1, 2])
    """
    if x.shape[0]:
        return op(x)
    batch = tf.shape(x)[0]
    missing = [[0, tf.maximum(1 - batch, 0)]] + [[0, 0]] * (x.shape.rank - 1)
    y = op(tf.ensure_shape(tf.pad(x, missing), [None, *x.shape[1:]]))
    return tf.ensure_shape(y[:batch], [x.shape[0], *y.shape[1:]])
