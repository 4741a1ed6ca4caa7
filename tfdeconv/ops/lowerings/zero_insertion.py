"""The textbook view: zeros between the inputs, then a convolution with the flipped kernel.

It multiplies ``prod(strides)`` times as many numbers as needed; here for reference and comparison
(Dumoulin and Visin 2016, section 4).
"""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.lowerings.dilation import fill_dilated
from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.insert_zeros import insert_zeros
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.stride_one_conv import stride_one_conv
from tfdeconv.ops.output_window import take


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    rank = problem.rank
    flipped = tf.reverse(fill_dilated(kernel, problem.dilation_rate), axis=list(range(rank)))
    return tf.transpose(flipped, [*range(rank), rank + 1, rank])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    window, spread = problem.window, insert_zeros(x, problem.strides)
    spans = [taps - 1 for taps in prepared.shape[:-2]]
    if not window.static:
        return take(stride_one_conv(spread, prepared, [(span, span) for span in spans]), window)
    axes = zip(spans, window.leads, window.tails, strict=True)
    return stride_one_conv(spread, prepared, [(span - lead, span - tail) for span, lead, tail in axes])


LOWERING = Lowering("zero_insertion", applies_always, *each_group(_prepare, _run))
