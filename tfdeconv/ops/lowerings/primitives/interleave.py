"""Phases held in the channels become neighbouring samples: depth to space in any rank."""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.tensors.shapes import Size, partial_shape

MANY_FILTERS, FEW_VALUES = 16, 2**13
"""With fewer filters TensorFlow's transposition is up to 12 times faster than its depth to space; with fewer
values it takes longer to wake the threads that share it."""


def interleave(y: tf.Tensor, strides: tuple[int, ...], filters: Size) -> tf.Tensor:
    """Return ``[batch, *(blocks * strides), filters]``.

    Args:
        y: ``[batch, *blocks, prod(strides) * filters]``; the phases of the first axis are outermost in
            the channels, the filters innermost.
        strides: Phases of each axis.
        filters: Channels of the result.

    Example:
        >>> interleave(tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 4]), (2, 2), 1)[0, :, :, 0].numpy()
        array([[1., 2.],
               [3., 4.]], dtype=float32)
    """
    rank = len(strides)
    if rank == 2 and strides[0] == strides[1] and _suits_depth_to_space(y, filters):
        return y if strides[0] == 1 else tf.nn.depth_to_space(y, strides[0])
    batch, *blocks, _ = partial_shape(y)
    if any(stride > 1 for stride in strides[:-1]):
        y = tf.reshape(y, [batch, *blocks, *strides[:-1], strides[-1] * filters])
        pairs = [axis for first in range(1, rank + 1) for axis in (first, first + rank)]
        y = tf.transpose(y, [0, *pairs])
    sizes = [size * stride for size, stride in zip(blocks, strides, strict=True)]
    return tf.reshape(y, [batch, *sizes, filters])


def _suits_depth_to_space(y: tf.Tensor, filters: Size) -> bool:
    values = y.shape.num_elements()
    return (isinstance(filters, int) and filters >= MANY_FILTERS) or (
        values is not None and values <= FEW_VALUES
    )
