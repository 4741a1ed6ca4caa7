"""Bilinear additive upsampling: interpolate, then add neighbouring channels (Wojna et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.linear_upsample import Boundary, linear_upsample
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import Size, partial_shape


def bilinear_additive_upsample(
    x: Any,
    factor: int | Sequence[int],
    *,
    reduction: int | None = None,
    boundary: Boundary = "edge",
    data_format: str | None = None,
) -> tf.Tensor:
    """Interpolate images bilinearly and add every ``reduction`` consecutive channels.

    With the default reduction the number of values stays the same, as in a pixel shuffle. Both steps
    are linear, so the channels are added first, at the low resolution.

    Args:
        x: Floating-point tensor ``[batch, height, width, channels]``.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        reduction: Consecutive channels that are added; divides the channels. None: ``prod(factor)``,
            4 for a factor of 2 as in the paper.
        boundary: "edge" (half-pixel ``tf.image.resize``) or "zero", as in ``linear_upsample``.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, height * factor, width * factor, channels // reduction]``.

    Raises:
        InvalidArgumentError: ``reduction`` does not divide the channels, or an argument breaks a rule.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 4])
        >>> bilinear_additive_upsample(x, 2)[0, :, :, 0].numpy()
        array([[10., 10.],
               [10., 10.]], dtype=float32)

    References:
        Wojna et al. 2017, "The Devil is in the Decoder", arXiv 1707.05847.
    """
    x = as_samples(x, rank=2)
    factors = axis_arguments.per_axis("factor", factor, 2)
    reduction = additive_reduction(factors, reduction)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    *outer, channels = partial_shape(x)
    x = tf.reduce_sum(tf.reshape(x, [*outer, reduced_channels(channels, reduction), reduction]), axis=-1)
    y = linear_upsample(x, factors, boundary=boundary, data_format="channels_last")
    return to_channels_first(y) if channels_first else y


def reduced_channels(channels: Size, reduction: int) -> Size:
    """Return ``channels // reduction``.

    Raises:
        InvalidArgumentError: ``reduction`` does not divide the known ``channels``.

    Example:
        >>> reduced_channels(8, 4)
        2
    """
    if isinstance(channels, int) and channels % reduction:
        raise InvalidArgumentError(
            f"reduction must divide the {channels} channels of x; received {reduction}."
        )
    return channels // reduction


def additive_reduction(factor: Sequence[int], reduction: int | None) -> int:
    """Return how many channels are added: ``reduction``, or ``prod(factor)`` for None.

    Example:
        >>> additive_reduction((2, 3), None)
        6
    """
    if reduction is None:
        return math.prod(factor)
    return axis_arguments.at_least(1, "reduction", reduction)
