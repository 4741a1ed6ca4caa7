"""Sixteen bits to eight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAND = 64


def eight_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8 pixels; uint16 goes to the nearest of 256 levels (65535 is 255 times 257).

    Example:
        >>> eight_bit(np.array([0, 128, 129, 65535], np.uint16))
        array([  0,   0,   1, 255], dtype=uint8)
    """
    if pixels.dtype == np.uint8:
        return pixels
    result = np.empty(pixels.shape, np.uint8)
    for start in range(0, len(pixels), _BAND):  # the steps in between would need twice the picture's memory
        band = pixels[start : start + _BAND]
        result[start : start + _BAND] = band // 257 + (band % 257 > 128)
    return result
