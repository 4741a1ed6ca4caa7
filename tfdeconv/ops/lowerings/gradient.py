"""The gradient of a convolution with respect to its input: TensorFlow's own transposed convolution.

``tf.nn.conv2d_transpose`` takes groups, dilation and NCHW only through oneDNN or XLA, so this
lowering uses none of them: groups are computed apart and dilated kernels are filled with zeros.
"""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.lowerings.primitives.native_padding import native_padding
from tfdeconv.ops.output_window import take
from tfdeconv.ops.tensors.shapes import partial_shape


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    return fill_dilated(kernel, problem.geometry.dilation_rate)


def _run(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    geometry, window = problem.geometry, problem.window
    conv_transpose = tf.nn.conv2d_transpose if problem.rank == 2 else tf.nn.conv3d_transpose
    batch, *sizes, _ = partial_shape(x)
    padding = native_padding(geometry.effective_kernel_size, geometry.strides, window)
    if padding is not None:
        shape = [batch, *window.sizes, problem.filters]
        return conv_transpose(x, kernel, shape, strides=geometry.strides, padding=padding)
    shape = [batch, *geometry.full_sizes(sizes), problem.filters]
    return take(conv_transpose(x, kernel, shape, strides=geometry.strides, padding="VALID"), window)


LOWERING = Lowering("gradient", applies_always, *each_group(_prepare, _run))
