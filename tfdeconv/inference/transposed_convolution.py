"""Transposed convolutions of any layer class, with their weights, as one description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfdeconv import geometry
from tfdeconv.geometry import axis_arguments
from tfdeconv.layers import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    DepthwiseConv2DTranspose,
    ResizeConv2D,
)

FULL_PRECISION = ("float32", "float64")
"""Types in which another order of the sums is within rounding; half precision shows it."""


@dataclass(frozen=True)
class TransposedConvolution:
    """What a layer computes.

    Attributes:
        kernel: ``[*kernel_size, filters // groups, channels]``.
        bias: ``[filters]``, or None.
        strides: One for each spatial axis.
        dilation_rate: One for each spatial axis.
        groups: Groups of channels.
        crops: Samples of the full output dropped (before, after) along each axis.
        data_format: "channels_last" or "channels_first".
        activation: Applied to the output.
    """

    kernel: np.ndarray
    bias: np.ndarray | None
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    groups: int
    crops: tuple[tuple[int, int], ...]
    data_format: str
    activation: Callable[[Any], Any]

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.strides)

    @property
    def filters(self) -> int:
        """Output channels."""
        return int(self.kernel.shape[-2]) * self.groups


_CLASSES = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    DepthwiseConv2DTranspose,
)


def is_known(layer: keras.Layer) -> bool:
    """Return whether ``layer`` is of a class that :func:`describe` knows.

    Classes derived from the known ones may compute something else and are not known.

    Example:
        >>> is_known(keras.layers.Conv2DTranspose(1, 2)), is_known(keras.layers.Conv2D(1, 2))
        (True, False)
    """
    return type(layer) in (*_CLASSES, ResizeConv2D)


def describe(layer: keras.Layer) -> TransposedConvolution | None:
    """Return what the built ``layer`` computes; None where it is no transposed convolution known here.

    Neither is one whose activation is a layer with weights of its own.

    Example:
        >>> layer = Conv2DTranspose(3, 4, strides=2, padding="same")
        >>> layer.build((None, 8, 8, 2))
        >>> describe(layer).crops
        ((1, 1), (1, 1))
    """
    if not is_known(layer) or getattr(layer.activation, "weights", None):
        return None
    if type(layer) is ResizeConv2D:
        return _resize_convolution(layer)
    strides, dilation_rate = tuple(layer.strides), tuple(layer.dilation_rate)
    paddings = axis_arguments.per_axis_padding(layer.padding, len(strides))
    output_padding = layer.output_padding
    if output_padding is not None:
        output_padding = axis_arguments.per_axis("output_padding", output_padding, len(strides), minimum=0)
    crops = tuple(
        geometry.crops(
            layer.kernel_size[axis],
            strides[axis],
            padding=paddings[axis],
            output_padding=None if output_padding is None else output_padding[axis],
            dilation_rate=dilation_rate[axis],
        )
        for axis in range(len(strides))
    )
    return TransposedConvolution(
        keras.ops.convert_to_numpy(layer.kernel),
        None if layer.bias is None else keras.ops.convert_to_numpy(layer.bias),
        strides,
        dilation_rate,
        getattr(layer, "groups", 1),
        crops,
        layer.data_format,
        layer.activation,
    )


def _resize_convolution(layer: ResizeConv2D) -> TransposedConvolution | None:
    """Nearest resize and convolution as one transposed convolution.

    Repeating every sample ``s`` times is a transposed convolution with a box of ``s`` ones; a stride-1
    convolution is a transposed one with the flipped kernel, cropped; and two of them in a row have
    the convolution of their kernels.
    """
    if layer.interpolation != "nearest":
        return None
    flipped = keras.ops.convert_to_numpy(layer.kernel)[::-1, ::-1].swapaxes(-1, -2)
    crops = []
    for axis, (factor, taps) in enumerate(zip(layer.factor, layer.kernel_size, strict=True)):
        pads = [(0, 0)] * 4
        shifted = []
        for shift in range(factor):
            pads[axis] = (shift, factor - 1 - shift)
            shifted.append(np.pad(flipped, pads))
        flipped = np.sum(shifted, axis=0, dtype=flipped.dtype)
        before, after = ((taps - 1) // 2, taps // 2) if layer.padding == "same" else (0, 0)
        crops.append((taps - 1 - before, taps - 1 - after))
    return TransposedConvolution(
        flipped,
        None if layer.bias is None else keras.ops.convert_to_numpy(layer.bias),
        tuple(layer.factor),
        (1, 1),
        1,
        tuple(crops),
        layer.data_format,
        layer.activation,
    )
