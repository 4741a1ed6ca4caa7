"""Large inputs in bands, so that what a lowering keeps between its steps does not grow with the input.

The sizes must be known when the graph is made: it then holds one copy of the steps for each band, of
static shape, which XLA and TensorFlow Lite take as they take the whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases

MOST_VALUES = 2**22
"""Values between the steps that one band may have: in float32 16 MB, which a processor's cache may hold."""
MOST_BANDS = 128
"""More copies of the steps would make the graph slow to build."""


def in_bands(
    compute: Callable[[tf.Tensor, list[AxisPhases]], tf.Tensor],
    x: tf.Tensor,
    axes: list[AxisPhases],
    values: int,
) -> tf.Tensor:
    """Return ``compute(x, axes)``, computed in bands along the first axis where ``x`` is known to be large.

    Args:
        compute: Returns the window of the polyphase form with the ``axes`` that it is given.
        x: ``[batch, *sizes, channels]``.
        axes: The polyphase form of each axis, for the whole window.
        values: What ``compute`` keeps between its steps for each input position.

    Example:
        >>> from tfdeconv.ops.lowerings.polyphase.axis_phases import axis_phases
        >>> axes = [axis_phases(2, 2, 1, (0, 0)), axis_phases(1, 1, 1, (0, 0))]
        >>> in_bands(lambda x, axes: tf.repeat(x, 2, axis=1), tf.zeros([1, 3, 4, 1]), axes, 1).shape
        TensorShape([1, 6, 4, 1])
    """
    if not x.shape.is_fully_defined():
        return compute(x, axes)
    batch, size, *rest = x.shape
    first, blocks = axes[0], size + axes[0].extra_blocks
    widest = len(first.rows) + abs(first.before) + abs(first.after)  # so that each band reads some of x
    wanted = -(-size * math.prod(rest[:-1]) * values // MOST_VALUES)
    bands = min(wanted, blocks // widest, MOST_BANDS // max(batch, 1))
    if bands <= 1:
        return compute(x, axes)
    rows = tf.reshape(x, [batch * size, *rest])  # a slice of the first axis copies nothing
    bounds = [blocks * number // bands for number in range(bands + 1)]
    results: list[tf.Tensor] = []
    for image in range(batch):
        for begin, end in itertools.pairwise(bounds):
            start, stop = begin - first.before, end - 1 + len(first.rows) - first.before
            inside = slice(image * size + max(start, 0), image * size + min(stop, size))
            band = replace(
                first,
                before=max(-start, 0),
                after=max(stop - size, 0),
                start=first.start if begin == 0 else 0,
                end=first.end if end == blocks else 0,
            )
            with tf.control_dependencies(results[-1:]):  # one band after the other
                part = tf.identity(rows[inside])[tf.newaxis]
            results.append(compute(part, [band, *axes[1:]])[0])
    y = tf.concat(results, 0)
    return tf.reshape(y, [batch, -1, *y.shape[1:]])
