"""Pixels of any type to float32 in [0, 1] and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import InvalidArgumentError


def check_pixels(pixels: NDArray[Any]) -> None:
    """Raise unless pixels are uint8, uint16, or finite floats in about [0, 1].

    Raises:
        InvalidArgumentError: Another type, numbers that are none, or values of a mistaken range.

    Example:
        >>> check_pixels(np.full([2, 2], 128.0))
        Traceback (most recent call last):
        ...
        tfdeconv.errors.InvalidArgumentError: image of floats must lie in [0, 1]; received 128 to 128. ...
    """
    if pixels.dtype in (np.uint8, np.uint16):
        return
    if pixels.dtype.kind != "f":
        raise InvalidArgumentError(
            f"image must be uint8, uint16 or floats in [0, 1]; received {pixels.dtype}. Convert it first."
        )
    least, greatest = pixels.min(), pixels.max()
    if not np.isfinite([least, greatest]).all():
        count = pixels.size - np.count_nonzero(np.isfinite(pixels))
        raise InvalidArgumentError(
            f"image must hold finite numbers; {count} of {pixels.size} are NaN or infinite. Replace them."
        )
    if least < -0.5 or greatest > 1.5:  # filters overshoot a little
        raise InvalidArgumentError(
            f"image of floats must lie in [0, 1]; received {least:g} to {greatest:g}. Divide by the largest "
            "value, or pass uint8 or uint16."
        )


def to_unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32: the range of an integer type becomes [0, 1], floats stay."""
    unit = pixels.astype(np.float32)
    if pixels.dtype.kind == "u":
        unit /= np.float32(np.iinfo(pixels.dtype).max)
    return unit


def from_unit(unit: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return pixels of ``dtype``; what lies outside [0, 1] is clipped, integers are rounded.

    Example:
        >>> from_unit(np.array([-0.1, 0.5, 2.0], np.float32), np.dtype("uint8"))
        array([  0, 128, 255], dtype=uint8)
    """
    clipped = np.clip(unit, 0, 1)
    if dtype.kind == "u":
        clipped *= np.float32(np.iinfo(dtype).max)
        np.rint(clipped, out=clipped)
    return clipped.astype(dtype, copy=False)
