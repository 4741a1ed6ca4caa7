"""Resize, then convolve: upsampling without overlap (Odena, Dumoulin and Olah 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.convolution import convolve
from tfdeconv.ops.linear_upsample import linear_upsample
from tfdeconv.ops.nearest_upsample import nearest_upsample
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples

Interpolation = Literal["nearest", "bilinear"]


def check_interpolation(interpolation: str) -> None:
    """Raise InvalidArgumentError where ``interpolation`` is neither "nearest" nor "bilinear".

    Example:
        >>> check_interpolation("nearest")
    """
    if interpolation not in ("nearest", "bilinear"):
        raise InvalidArgumentError(
            f"interpolation must be 'nearest' or 'bilinear'; received {interpolation!r}."
        )


def resize_conv(
    x: Any,
    kernel: Any,
    *,
    factor: int | Sequence[int],
    interpolation: Interpolation = "nearest",
    padding: geometry.ForwardPadding = "same",
    data_format: str | None = None,
) -> tf.Tensor:
    """Resize images by an integer factor, then convolve with stride 1.

    Args:
        x: Floating-point tensor ``[batch, height, width, channels]``.
        kernel: ``[kernel_height, kernel_width, channels, filters]``, of x's dtype.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        interpolation: "nearest" repeats samples; "bilinear" interpolates with half-pixel centres, as
            ``tf.image.resize`` does.
        padding: Of the convolution: "same" (zeros around the resized image) or "valid".
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, height * factor, width * factor, filters]`` with "same".

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> x = tf.reshape([1.0, 2.0], [1, 1, 2, 1])
        >>> resize_conv(x, tf.ones([1, 1, 1, 1]), factor=2)[0, :, :, 0].numpy()
        array([[1., 1., 2., 2.],
               [1., 1., 2., 2.]], dtype=float32)

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
    """
    x = as_samples(x, rank=2)
    factor = axis_arguments.per_axis("factor", factor, 2)
    check_interpolation(interpolation)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    if interpolation == "nearest":
        x = nearest_upsample(x, factor, data_format="channels_last")
    else:
        x = linear_upsample(x, factor, boundary="edge", data_format="channels_last")
    y = convolve(x, kernel, padding=padding)
    return to_channels_first(y) if channels_first else y
