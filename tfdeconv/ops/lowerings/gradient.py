"""The gradient of a convolution with respect to its input: TensorFlow's own transposed convolution.

``tf.nn.conv2d_transpose`` takes groups, dilation and NCHW only through oneDNN or XLA, so this
lowering uses none of them: groups are computed apart and dilated kernels are filled with zeros.
"""

from __future__ import annotations

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.ops.lowerings.dilation import fill_dilated
from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.native_padding import native_padding
from tfdeconv.ops.output_window import spatial_sizes, take


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    return fill_dilated(kernel, problem.dilation_rate)


def _run(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    kernel_size, strides, window = kernel.shape[:-2], problem.strides, problem.window
    conv_transpose = tf.nn.conv2d_transpose if problem.rank == 2 else tf.nn.conv3d_transpose
    padding = native_padding(kernel_size, strides, window)
    if padding is not None:
        shape = [tf.shape(x)[0], *window.sizes, problem.filters]
        return conv_transpose(x, kernel, shape, strides=strides, padding=padding)
    full = [
        geometry.full_size(size, taps, stride)
        for size, taps, stride in zip(spatial_sizes(x), kernel_size, strides, strict=True)
    ]
    shape = [tf.shape(x)[0], *full, problem.filters]
    return take(conv_transpose(x, kernel, shape, strides=strides, padding="VALID"), window)


LOWERING = Lowering("gradient", applies_always, *each_group(_prepare, _run))
