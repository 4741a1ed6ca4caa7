"""A guard against axes without samples, which TensorFlow's convolutions refuse, miscompute or crash on.

oneDNN's return an empty batch in the shape of their input, and end the process where a spatial size that
is known only at run time is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfdeconv.ops.tensors.shapes import Size, known_or, known_shape


def on_samples(
    op: Callable[[tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    kept: Sequence[Size],
    *,
    least: Sequence[int] | None = None,
) -> tf.Tensor:
    """Return ``op(x)``, computed on zeros, which are dropped, along every axis of ``x`` without a sample.

    Neither the pad nor the slice copies anything for other inputs.

    Args:
        op: Maps ``[batch, *sizes, channels]`` to ``[batch, *output_sizes, filters]``, zeros to zeros.
        x: Its input; the batch and the sizes may be unknown.
        kept: The output sizes for ``x`` itself; below 1 counts as 0.
        least: The zeros to put where there is no sample, along the spatial axes; None: one of them.

    Example:
        >>> kernel = tf.ones([3, 3, 1, 2])
        >>> on_samples(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), tf.zeros([0, 3, 0, 1]), (3, 0)).shape
        TensorShape([0, 3, 0, 2])
    """
    if all(x.shape[:-1]):
        return op(x)
    y = op(_filled(x, (1, *(least or [1] * len(kept)), 0)))
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    sizes = [max(size, 0) if isinstance(size, int) else size for size in (batch, *kept)]
    every = 2**x.shape.rank - 1
    whole = sum(2**axis for axis, size in enumerate(x.shape) if size or axis == len(sizes))  # nothing to drop
    ends = tf.maximum([*sizes, 0], 0)
    y = tf.strided_slice(y, [0] * x.shape.rank, ends, begin_mask=every, end_mask=whole)
    return known_shape(y, [*sizes, y.shape[-1]])


def _filled(x: tf.Tensor, numbers: Sequence[int]) -> tf.Tensor:
    """``x``, or zeros with the given numbers of samples along the axes that have none."""
    shape = tf.shape(x)
    vector = tf.where(tf.equal(shape, 0), numbers, shape)
    known = [number if size == 0 else size for size, number in zip(x.shape, numbers, strict=True)]
    filled = known_or(known, vector)
    # oneDNN's graph pass must not merge a pad with a convolution into an op that does not take an empty
    # batch either: what is known to be empty is not padded, and elsewhere a reshape that changes nothing is
    # in between.
    if 0 in x.shape:
        return tf.fill(filled, tf.reduce_sum(x))  # zeros that depend on x, for its gradient
    missing = tf.stack([tf.zeros_like(shape), vector - shape], axis=1)
    return tf.reshape(tf.pad(x, missing), filled)
