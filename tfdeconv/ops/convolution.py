"""The stride-1 convolution that follows a resize or precedes a pixel shuffle."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.tensors.empty_axes import on_samples
from tfdeconv.ops.tensors.samples import as_tensor
from tfdeconv.ops.tensors.shapes import spatial_sizes


def convolve(x: tf.Tensor, kernel: Any, *, padding: geometry.ForwardPadding) -> tf.Tensor:
    """Convolve the channels-last image ``x`` with ``kernel`` ``[kh, kw, channels, filters]``.

    Example:
        >>> convolve(tf.ones([1, 3, 3, 1]), tf.ones([3, 3, 1, 2]), padding="valid").shape
        TensorShape([1, 1, 1, 2])
    """
    kernel = as_tensor("kernel", kernel)
    padding = geometry.forward_padding(padding)
    _check(x, kernel)
    sizes = [
        geometry.forward_size(size, taps, 1, padding)  # raises where there is no output
        for size, taps in zip(spatial_sizes(x), kernel.shape[:2], strict=True)
    ]
    return on_samples(lambda x: tf.nn.conv2d(x, kernel, strides=1, padding=padding.upper()), x, sizes)


def _check(x: tf.Tensor, kernel: tf.Tensor) -> None:
    if kernel.shape.rank != 4 or kernel.dtype != x.dtype:
        raise InvalidArgumentError(
            f"kernel must be [height, width, channels, filters] of x's dtype {x.dtype.name}; received shape "
            f"{kernel.shape} of {kernel.dtype.name}."
        )
    if x.shape[-1] is not None and x.shape[-1] != kernel.shape[2]:
        raise InvalidArgumentError(
            f"x must have as many channels as the kernel's third axis, {kernel.shape[2]}; received "
            f"{x.shape[-1]}."
        )
