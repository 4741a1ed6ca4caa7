"""Sub-pixel convolution: convolve at the low resolution, then rearrange channels into space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.convolution import convolve
from tfdeconv.ops.pixel_shuffle import ShuffleOrder, pixel_shuffle
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples, as_tensor


def subpixel_conv(
    x: Any,
    kernel: Any,
    *,
    factor: int | Sequence[int],
    order: ShuffleOrder = "dcr",
    padding: geometry.ForwardPadding = "same",
    bias: Any = None,
    data_format: str | None = None,
) -> tf.Tensor:
    """Convolve images with stride 1, then shuffle the channels into ``factor`` times the resolution.

    Args:
        x: Floating-point tensor ``[batch, height, width, channels]``.
        kernel: ``[kernel_height, kernel_width, channels, filters * prod(factor)]``, of x's dtype.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        order: Order of the kernel's last axis, as in :func:`tfdeconv.ops.pixel_shuffle`.
        padding: Of the convolution, at the low resolution: "same" (zeros) or "valid".
        bias: ``[filters * prod(factor)]``, added before the shuffle; None for none.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, height * factor, width * factor, filters]`` with "same".

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> x = tf.ones([1, 1, 1, 1])
        >>> kernel = tf.reshape(tf.range(4.0), [1, 1, 1, 4])
        >>> print(subpixel_conv(x, kernel, factor=2)[0, :, :, 0].numpy())
        [[0. 1.]
         [2. 3.]]

    References:
        Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
        Convolutional Neural Network", arXiv 1609.05158.
    """
    x = as_samples(x, rank=2)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    y = convolve(x, kernel, padding=padding)
    if bias is not None:
        bias = as_tensor("bias", bias, y.dtype)
        if not bias.shape.is_compatible_with(y.shape[-1:]):
            raise InvalidArgumentError(
                f"bias must hold one number for each of the kernel's {y.shape[-1]} filters; received shape "
                f"{bias.shape}."
            )
        y = tf.nn.bias_add(y, bias)
    y = pixel_shuffle(y, factor, order=order, data_format="channels_last")
    return to_channels_first(y) if channels_first else y
