"""Rearrange channels into space: the last step of a sub-pixel convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import Size, partial_shape, reshape

ShuffleOrder = Literal["dcr", "crd"]


def check_order(order: str) -> None:
    """Raise InvalidArgumentError where ``order`` is neither "dcr" nor "crd".

    Example:
        >>> check_order("dcr")
    """
    if order not in ("dcr", "crd"):
        raise InvalidArgumentError(
            "order must be 'dcr' (TensorFlow: phases outermost) or 'crd' (PyTorch: channels outermost); "
            f"received {order!r}."
        )


def pixel_shuffle(
    x: Any, factor: int | Sequence[int], *, order: ShuffleOrder = "dcr", data_format: str | None = None
) -> tf.Tensor:
    """Rearrange ``f ** rank`` groups of channels into ``f`` times as many samples along each axis.

    Args:
        x: Tensor ``[batch, *sizes, prod(factor) * channels]`` of any dtype with 1, 2 or 3 spatial axes.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        order: Where an input channel goes. "dcr": channel ``phase * channels + c`` becomes channel
            ``c`` of that phase (``tf.nn.depth_to_space``; ONNX DepthToSpace, mode DCR). "crd": channel
            ``c * prod(factor) + phase`` does (``torch.nn.PixelShuffle``; ONNX mode CRD). Phases count
            in row-major order.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *(sizes * factor), channels]``.

    Raises:
        InvalidArgumentError: The channels are no multiple of ``prod(factor)``, or an argument is unknown.

    Example:
        >>> x = tf.reshape(tf.range(4.0), [1, 1, 1, 4])
        >>> print(pixel_shuffle(x, 2)[0, :, :, 0].numpy())
        [[0. 1.]
         [2. 3.]]

    References:
        Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
        Convolutional Neural Network", arXiv 1609.05158.
    """
    x = as_samples(x, floating=False)
    factors = axis_arguments.per_axis("factor", factor, x.shape.rank - 2)
    check_order(order)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    batch, *sizes, channels = partial_shape(x)
    rank = len(sizes)
    outputs = shuffled_channels(channels, factors)
    inner = [*factors, outputs] if order == "dcr" else [outputs, *factors]
    first = rank + 1 if order == "dcr" else rank + 2  # axis of the first factor
    last = 2 * rank + 1 if order == "dcr" else rank + 1  # axis of the output channels
    apart = tf.reshape(x, [batch, *sizes, *inner])
    interleaved = [axis for n in range(rank) for axis in (1 + n, first + n)]
    y = tf.transpose(apart, [0, *interleaved, last])
    y = reshape(y, [batch, *(size * f for size, f in zip(sizes, factors, strict=True)), outputs])
    return to_channels_first(y) if channels_first else y


def shuffled_channels(channels: Size, factors: Sequence[int]) -> Size:
    """Return ``channels // prod(factors)``.

    Raises:
        InvalidArgumentError: The known ``channels`` are no multiple of ``prod(factors)``.

    Example:
        >>> shuffled_channels(12, (2, 2))
        3
    """
    phases = math.prod(factors)
    if isinstance(channels, int) and channels % phases:
        raise InvalidArgumentError(
            f"x must have a multiple of prod(factor) = {phases} channels; received {channels}."
        )
    return channels // phases
