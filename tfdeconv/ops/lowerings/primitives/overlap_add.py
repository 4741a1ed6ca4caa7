"""Adding shifted blocks: what each input sample stamps onto the output, summed along one axis."""

from __future__ import annotations

import tensorflow as tf


def overlap_add(stamps: tf.Tensor, stride: int) -> tf.Tensor:
    """Sum the stamps of neighbouring inputs where they overlap.

    Args:
        stamps: ``[outer, inputs, middle, span, inner]`` with ``span`` known statically; five axes, because
            ``tf.pad`` takes no more than six.
        stride: Output samples between neighbouring stamps.

    Returns:
        ``[outer, inputs + ceil(span / stride) - 1, middle, stride, inner]``: blocks of output samples;
        those from ``(inputs - 1) * stride + span`` on are zero.

    Example:
        >>> stamps = tf.reshape([1.0, 2.0, 3.0, 10.0, 20.0, 30.0], [1, 2, 1, 3, 1])
        >>> tf.reshape(overlap_add(stamps, 2), [3, 2]).numpy()
        array([[ 1.,  2.],
               [13., 20.],
               [30.,  0.]], dtype=float32)
    """
    starts = range(0, stamps.shape[3], stride)
    shifted = []
    for number, start in enumerate(starts):
        block = stamps[:, :, :, start : start + stride]
        around, beyond = (number, len(starts) - 1 - number), (0, stride - block.shape[3])
        shifted.append(tf.pad(block, [(0, 0), around, (0, 0), beyond, (0, 0)]))
    return tf.add_n(shifted)
