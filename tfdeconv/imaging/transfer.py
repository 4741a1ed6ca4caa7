"""Light and numbers: whether a photograph's numbers are spread as the networks learned them.

The networks saw photographs whose numbers follow the curve of sRGB: steps of equal size look about equally
large. Where a file's numbers are proportional to light instead (or nearly so), dark parts have few of them,
and an enlargement rings around lights. So such pictures are enlarged on sRGB's curve and put back afterwards.

References:
    IEC 61966-2-1 (sRGB); ITU-T H.273, table 3 (``transfer_characteristics``); PNG, third edition, section
    4.3: cICP counts first, then iCCP, sRGB and gAMA.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.imaging.formats.metadata.icc import exponent
from tfdeconv.imaging.photograph import Photograph

_LINEAR = 8  # of transfer_characteristics
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
_LOGARITHMIC = (9, 10)
_NEARLY_LINEAR = 1.4  # exponents from here on are curves, such as 1.8 of old Macintosh pictures
_STEEPEST = 4.0
_BAND = 256  # rows: the steps in between need memory


def exponent_of(photograph: Photograph) -> float | None:
    """Return the exponent from numbers to light where the numbers are re-encoded to be enlarged; else None.

    Example:
        >>> linear = {"gAMA": (100_000).to_bytes(4, "big")}
        >>> exponent_of(Photograph(np.zeros([1, 1, 3], np.uint16), colour=linear))
        1.0
    """
    if "cICP" in photograph.colour:
        return 1.0 if _transfer(photograph) == _LINEAR else None
    found: float | None = None
    if photograph.icc_profile is not None:
        found = exponent(photograph.icc_profile)
    elif "sRGB" not in photograph.colour and len(photograph.colour.get("gAMA", b"")) == 4:
        (encoded,) = struct.unpack(">I", photograph.colour["gAMA"])
        found = 100_000 / encoded if encoded else None
    if found is None or _NEARLY_LINEAR < found < _STEEPEST or found <= 0:
        return None
    return found


def remark(photograph: Photograph) -> str | None:
    """Return what is done with numbers of another kind than the networks', for a person; None for the usual.

    Example:
        >>> remark(Photograph(np.zeros([1, 1, 3], np.uint16), colour={"cICP": bytes([9, 16, 0, 1])}))
        'holds PQ numbers; they are enlarged as they are'
    """
    number = _transfer(photograph)
    if number in _HIGH_DYNAMIC_RANGE or number in _LOGARITHMIC:
        return (
            f"holds {_HIGH_DYNAMIC_RANGE.get(number, 'logarithmic')} numbers; they are enlarged as they are"
        )
    power = exponent_of(photograph)
    if power is None:
        return None
    what = "linear" if round(power, 2) == 1 else f"gamma {power:.2f}"
    return f"holds {what} numbers; they are enlarged on sRGB's curve and put back"


def _transfer(photograph: Photograph) -> int:
    chunk = photograph.colour.get("cICP", b"")
    return chunk[1] if len(chunk) >= 2 else 2  # 2: unspecified


def to_srgb_curve(pixels: NDArray[Any], power: float, *, has_alpha: bool) -> NDArray[np.uint16]:
    """Return uint16 pixels on sRGB's curve, from such with an exponent; alpha keeps its values."""
    levels = np.iinfo(pixels.dtype).max
    light = np.linspace(0, 1, levels + 1) ** power
    table = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    straight = np.linspace(0, 65535, levels + 1)
    return _looked_up(pixels, table * 65535, straight, np.uint16, has_alpha)


def from_srgb_curve(pixels: NDArray[np.uint16], power: float, dtype: Any, *, has_alpha: bool) -> NDArray[Any]:
    """Return the inverse of :func:`to_srgb_curve`, as ``dtype``."""
    levels = np.iinfo(dtype).max
    code = np.linspace(0, 1, 65536)
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return _looked_up(pixels, light ** (1 / power) * levels, code * levels, dtype, has_alpha)


def _looked_up(
    pixels: NDArray[Any], colour: NDArray[Any], alpha: NDArray[Any], dtype: Any, has_alpha: bool
) -> NDArray[Any]:
    """Each sample's value in the table for colours, or in that for alpha, rounded."""
    tables = [np.rint(table).astype(dtype) for table in (colour, alpha)]
    result = np.empty(pixels.shape, dtype)
    colours = pixels.shape[-1] - has_alpha
    for start in range(0, len(pixels), _BAND):
        rows = slice(start, start + _BAND)
        result[rows, :, :colours] = tables[0][pixels[rows, :, :colours]]
        result[rows, :, colours:] = tables[1][pixels[rows, :, colours:]]
    return result
