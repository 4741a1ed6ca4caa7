"""The gradient of a convolution with respect to its input: TensorFlow's own transposed convolution.

``tf.nn.conv2d_transpose`` takes groups, dilation and NCHW only through oneDNN or XLA, so this
lowering uses none of them: groups are computed apart and dilated kernels are filled with zeros.
"""

from __future__ import annotations

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.ops.lowerings.lowering import Lowering, Problem
from tfdeconv.ops.output_window import OutputWindow, spatial_sizes, take


def compute(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Compute ``problem`` with ``tf.nn.conv2d_transpose`` or ``tf.nn.conv3d_transpose``."""
    kernel = fill_dilated(kernel, problem.dilation_rate)
    if problem.groups == 1:
        return _one_group(x, kernel, problem)
    pairs = zip(tf.split(x, problem.groups, axis=-1), tf.split(kernel, problem.groups, axis=-1), strict=True)
    return tf.concat([_one_group(part, weights, problem) for part, weights in pairs], axis=-1)


def fill_dilated(kernel: tf.Tensor, dilation_rate: tuple[int, ...]) -> tf.Tensor:
    """Return the undilated kernel with the same effect: ``d - 1`` zeros between the taps.

    Example:
        >>> fill_dilated(tf.ones([3, 1, 1, 1]), (2, 1))[:, 0, 0, 0].numpy()
        array([1., 0., 1., 0., 1.], dtype=float32)
    """
    if all(rate == 1 for rate in dilation_rate):
        return kernel
    kernel_size, channels = kernel.shape[:-2], kernel.shape[-2:]
    apart = tf.reshape(kernel, [n for size in kernel_size for n in (size, 1)] + list(channels))
    zeros = [pad for rate in dilation_rate for pad in ((0, 0), (0, rate - 1))]
    apart = tf.pad(apart, [*zeros, (0, 0), (0, 0)])
    spread = [size * rate for size, rate in zip(kernel_size, dilation_rate, strict=True)]
    spans = (
        slice(geometry.effective_kernel_size(size, rate))
        for size, rate in zip(kernel_size, dilation_rate, strict=True)
    )
    return tf.reshape(apart, spread + list(channels))[tuple(spans)]


def _one_group(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    kernel_size, strides, window = kernel.shape[:-2], problem.strides, problem.window
    conv_transpose = tf.nn.conv2d_transpose if len(strides) == 2 else tf.nn.conv3d_transpose
    padding = _native_padding(kernel_size, strides, window)
    if padding is not None:
        shape = [tf.shape(x)[0], *window.sizes, kernel.shape[-2]]
        return conv_transpose(x, kernel, shape, strides=strides, padding=padding)
    full = [
        geometry.full_size(size, taps, stride)
        for size, taps, stride in zip(spatial_sizes(x), kernel_size, strides, strict=True)
    ]
    shape = [tf.shape(x)[0], *full, kernel.shape[-2]]
    return take(conv_transpose(x, kernel, shape, strides=strides, padding="VALID"), window)


def _native_padding(
    kernel_size: tuple[int, ...], strides: tuple[int, ...], window: OutputWindow
) -> str | list[tuple[int, int]] | None:
    """The padding with which the op itself returns the window; None where it cannot.

    The op accepts an output size only if the forward convolution maps it back to the input size.
    """
    if not window.static:
        return None
    axes = list(zip(window.leads, window.tails, kernel_size, strides, strict=True))
    if all(
        lead == geometry.same_lead(lead + tail, 0) and 1 <= taps - lead - tail <= stride
        for lead, tail, taps, stride in axes
    ):
        return "SAME"
    if any(tail <= -stride for _, tail, _, stride in axes):
        return None
    if not any(lead > 0 or tail > 0 for lead, tail, _, _ in axes):
        return "VALID"
    if len(axes) == 2:  # the 3-D op takes no explicit padding
        return [(0, 0), *((lead, max(tail, 0)) for lead, tail, _, _ in axes), (0, 0)]
    return None


LOWERING = Lowering("gradient", check=lambda x, kernel, problem: None, compute=compute)
