"""A guard against axes without samples, which TensorFlow's convolutions refuse, miscompute or crash on.

oneDNN's return an empty batch in the shape of their input, and end the process where a spatial size that
is known only at run time is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfdeconv.ops.shapes import Size, known_shape, partial_shape


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
    *shape, channels = partial_shape(x)
    zeros = [
        _where_empty(size, number)
        for size, number in zip(shape, (1, *(least or [1] * len(kept))), strict=True)
    ]
    filled = [size + number for size, number in zip(shape, zeros, strict=True)]
    # oneDNN's graph pass must not merge a pad with a convolution into an op that does not take an empty
    # batch either: what is known to be empty is not padded, and elsewhere a reshape that changes nothing is
    # in between.
    if 0 in x.shape:
        y = op(tf.fill([*filled, channels], tf.reduce_sum(x)))  # zeros that depend on x, for its gradient
    else:
        padded = tf.pad(x, [*((0, number) for number in zeros), (0, 0)])
        y = op(tf.reshape(padded, [*filled, channels]))
    kept = [max(size, 0) if isinstance(size, int) else tf.maximum(size, 0) for size in (shape[0], *kept)]
    unchanged = [isinstance(number, int) and number == 0 for number in zeros]
    spans = (slice(None if same else size) for same, size in zip(unchanged, kept, strict=True))
    return known_shape(y[tuple(spans)], [*kept, y.shape[-1]])


def _where_empty(size: Size, number: int) -> Size:
    """``number`` where ``size`` is 0, else 0."""
    if isinstance(size, int):
        return 0 if size else number
    return tf.where(tf.equal(size, 0), number, 0)
