"""The textbook view: zeros between the inputs, then a convolution with the flipped kernel.

It multiplies ``prod(strides)`` times as many numbers as needed; here for reference and comparison
(Dumoulin and Visin 2016, section 4).
"""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.lowerings.primitives.insert_zeros import insert_zeros
from tfdeconv.ops.lowerings.primitives.padded_conv import padded_conv
from tfdeconv.ops.output_window import take


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    rank = problem.rank
    flipped = tf.reverse(fill_dilated(kernel, problem.geometry.dilation_rate), axis=list(range(rank)))
    return tf.transpose(flipped, [*range(rank), rank + 1, rank])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    window, spread = problem.window, insert_zeros(x, problem.strides)
    spans = [size - 1 for size in problem.geometry.effective_kernel_size]
    if not window.static:
        return take(padded_conv(spread, prepared, [(span, span) for span in spans]), window)
    pads = [(span - before, span - after) for span, (before, after) in zip(spans, window.crops, strict=True)]
    return padded_conv(spread, prepared, pads)


LOWERING = Lowering("zero_insertion", applies_always, *each_group(_prepare, _run))
