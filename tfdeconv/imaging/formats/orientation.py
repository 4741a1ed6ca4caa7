"""Turn pictures upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_DPI = 1e6


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return ``[height, width]`` or ``[height, width, channels]`` as EXIF's orientation tag says.

    The result has three axes.

    Example:
        >>> upright(np.array([[[1], [2]]]), 6)[..., 0].tolist()  # turned clockwise by 90 degrees
        [[1], [2]]
    """
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(pixels[::rows, ::columns])


def upright_dpi(dpi: tuple[Any, Any], orientation: int) -> tuple[float, float] | None:
    """Return (horizontal, vertical) pixels per inch of the upright picture; None for nonsense.

    Example:
        >>> upright_dpi((300, 72), 6), upright_dpi((0, 72), 1)
        ((72.0, 300.0), None)
    """
    horizontal, vertical = float(dpi[0]), float(dpi[1])
    if not (0 < horizontal < _MOST_DPI and 0 < vertical < _MOST_DPI):
        return None
    return (vertical, horizontal) if orientation >= 5 else (horizontal, vertical)
