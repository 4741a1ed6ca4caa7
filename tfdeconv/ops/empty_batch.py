"""A guard against oneDNN: its convolutions return an empty batch in the shape of their input."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfdeconv.ops.shapes import known_shape, partial_shape


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
    batch, *rest = partial_shape(x)
    if x.shape[0] == 0:
        return op(tf.fill([1, *rest], tf.reduce_sum(x)))[:0]  # zeros that depend on x, for its gradient
    some = tf.maximum(batch, 1)
    padded = tf.pad(x, [[0, some - batch]] + [[0, 0]] * len(rest))
    # The reshape changes nothing, but keeps oneDNN's graph pass from merging the pad with a convolution
    # into an op that does not take an empty batch either.
    y = op(tf.reshape(padded, [some, *rest]))
    return known_shape(y[:batch], [None, *y.shape[1:]])
