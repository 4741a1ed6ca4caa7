"""Which layers only move channels into space."""

from __future__ import annotations

from typing import Any

from tfdeconv.keras_reading.own_call import overridden_base


def is_pixel_shuffle(layer: Any) -> bool:
    """Return whether ``layer`` says of itself that it is a pixel shuffle; Keras has none.

    The phases of its output are made by the layer in front of it.

    Example:
        >>> from tfdeconv import layers
        >>> is_pixel_shuffle(layers.PixelShuffle2D(2)), is_pixel_shuffle(layers.SubpixelConv2D(1, 3))
        (True, False)
    """
    told = getattr(layer, "is_pixel_shuffle", False)
    return bool(told) and overridden_base(layer, "is_pixel_shuffle") is None
