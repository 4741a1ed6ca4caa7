"""ICC profiles: whether one fits the pixels, and how bright its middle is.

References:
    ICC.1:2022, sections 7.2 (header), 7.3 (tag table), 10.6 (curveType) and 10.18 (parametricCurveType).
"""

from __future__ import annotations

import math
import struct

_COLOUR_SPACE = slice(16, 20)
_SPACES = {b"GRAY": "grey", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "Lab", b"XYZ ": "XYZ"}
_HEADER, _ENTRY = 128, 12
_TONE_CURVES = (b"kTRC", b"gTRC")


def misfit(profile: bytes, *, colours: int) -> str | None:
    """Return what a profile is for, where that is not the picture; None where it fits.

    A profile that is not for the number of colours of the picture says nothing about it, in any format: it is
    left out, and that is told.

    Args:
        profile: The ICC profile.
        colours: 1 for grey, 3 for RGB, 4 for CMYK.

    Example:
        >>> misfit(b"?" * 16 + b"GRAY" + b"?" * 112, colours=3)
        'grey'
    """
    space = profile[_COLOUR_SPACE] if len(profile) >= _HEADER else b""
    wanted = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}[colours]
    return None if space == wanted else _SPACES.get(space, "nothing that is known")


def exponent(profile: bytes) -> float | None:
    """Return the exponent from numbers to light, taken at half of the range; None where there is no curve.

    About 2.2 for photographs on screens; 1 is linear.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, _HEADER)
        for index in range(min(count, 100)):
            name, offset, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + _ENTRY * index)
            if name in _TONE_CURVES:
                return _exponent_of_curve(profile[offset : offset + size])
    except (struct.error, ValueError, ZeroDivisionError):
        pass
    return None


def _exponent_of_curve(curve: bytes) -> float | None:
    kind, count = struct.unpack_from(">4s4xI", curve)
    if kind == b"curv":
        if count == 0:
            return 1.0
        if count == 1:
            return struct.unpack_from(">H", curve, 12)[0] / 256
        before, after = struct.unpack_from(">2H", curve, 12 + 2 * ((count - 1) // 2))
        half = (before + after) / 2 if count % 2 == 0 else before
        return math.log(half / 65535) / math.log(0.5)
    if kind == b"para":
        function = count >> 16
        numbers = [value / 65536 for value in struct.unpack_from(f">{[1, 3, 4, 5, 7][function]}i", curve, 12)]
        gamma, a, b = (*numbers[:3], 1.0, 0.0)[:3] if function else (numbers[0], 1.0, 0.0)
        return math.log(max(a * 0.5 + b, 1e-6) ** gamma) / math.log(0.5)
    return None
