"""The transposed convolution that a layer is, or that its steps make together, with its weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.keras_reading import TransposedConvolution, transposed_convolution
from tfdeconv.layers import ResizeConv2D

FULL_PRECISION = ("float32", "float64")
"""Types in which another order of the sums is within rounding; half precision shows it."""


def is_known(layer: keras.Layer) -> bool:
    """Return whether ``layer`` is a transposed convolution, or of a class that can be one.

    Example:
        >>> is_known(keras.layers.Conv2DTranspose(1, 2)), is_known(keras.layers.Conv2D(1, 2))
        (True, False)
    """
    return type(layer) is ResizeConv2D or transposed_convolution(layer) is not None


def fusible_convolution(layer: keras.Layer) -> TransposedConvolution | None:
    """Return what the built ``layer`` computes, with arrays; None where it is no transposed convolution.

    Neither is one whose activation is a layer with weights of its own.

    Example:
        >>> layer = keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same")
        >>> layer.build((None, 8, 8, 2))
        >>> fusible_convolution(layer).kernel.shape
        (4, 4, 3, 2)
    """
    found = _resize_convolution(layer) if type(layer) is ResizeConv2D else transposed_convolution(layer)
    if found is None or getattr(found.activation, "weights", None):
        return None
    return dataclasses.replace(
        found,
        kernel=keras.ops.convert_to_numpy(found.kernel),
        bias=None if found.bias is None else keras.ops.convert_to_numpy(found.bias),
    )


def _resize_convolution(layer: Any) -> TransposedConvolution | None:
    """Nearest resize and convolution as one transposed convolution.

    Repeating every sample ``s`` times is a transposed convolution with a box of ``s`` ones; a stride-1
    convolution is a transposed one with the flipped kernel, cropped; and two of them in a row have
    the convolution of their kernels.
    """
    if layer.interpolation != "nearest":
        return None
    flipped = keras.ops.convert_to_numpy(layer.kernel)[::-1, ::-1].swapaxes(-1, -2)
    crops = []
    for axis, (factor, size) in enumerate(zip(layer.factor, layer.kernel_size, strict=True)):
        pads = [(0, 0)] * 4
        shifted = []
        for shift in range(factor):
            pads[axis] = (shift, factor - 1 - shift)
            shifted.append(np.pad(flipped, pads))
        flipped = np.sum(shifted, axis=0, dtype=flipped.dtype)
        before, after = ((size - 1) // 2, size // 2) if layer.padding == "same" else (0, 0)
        crops.append((size - 1 - before, size - 1 - after))
    geometry = ConvTransposeGeometry.of(flipped.shape[:2], strides=layer.factor, padding=crops)
    return TransposedConvolution(geometry, flipped, layer.bias, 1, layer.data_format, layer.activation)
