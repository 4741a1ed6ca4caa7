"""Depthwise transposed convolution: every channel by itself."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.conv_transpose import conv_transpose
from tfdeconv.ops.tensors.samples import as_tensor


def depthwise_conv_transpose(x: Any, kernel: Any, **options: Any) -> tf.Tensor:
    """Transposed convolution of every channel by itself, in one, two or three dimensions.

    Args:
        x: Floating-point tensor ``[batch, *sizes, channels]``.
        kernel: ``[*kernel_size, depth_multiplier, channels]``, of x's dtype.
        **options: The keyword arguments of :func:`tfdeconv.ops.conv_transpose` but ``groups``, which is
            the number of channels.

    Returns:
        ``[batch, *output_sizes, channels * depth_multiplier]``; output channel
        ``c * depth_multiplier + m`` comes from input channel ``c``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> x = tf.reshape([1.0, 10.0], [1, 1, 2])  # one step, two channels
        >>> depthwise_conv_transpose(x, tf.ones([2, 1, 2]), strides=2).numpy()
        array([[[ 1., 10.],
                [ 1., 10.]]], dtype=float32)
    """
    if "groups" in options:
        raise InvalidArgumentError(
            "depthwise_conv_transpose takes no groups: they are the channels. Use ops.conv_transpose."
        )
    kernel = as_tensor("kernel", kernel)
    return conv_transpose(x, kernel, groups=kernel.shape[-1] if kernel.shape.rank else 1, **options)
