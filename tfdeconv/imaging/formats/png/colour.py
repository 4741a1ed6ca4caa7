"""Chunks of PNG files that say what the numbers of the pixels mean.

References:
    Portable Network Graphics (Third Edition), W3C 2025, section 11.3.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

COLOUR_CHUNKS = ("cICP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI")
"""Carried as they are; a larger picture changes nothing about them."""

_SRGB_CODES = b"\x01\x0d"
_SRGB_GAMMA = (45455).to_bytes(4)
_SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)  # white, red, green, blue


def is_srgb(colour: Mapping[str, bytes]) -> bool:
    """Return whether colour chunks say no more than what every program takes untagged pictures for.

    Example:
        >>> is_srgb({"gAMA": (45455).to_bytes(4, "big")}), is_srgb({"cICP": bytes([9, 16, 0, 1])})
        (True, False)
    """
    if "mDCV" in colour or "cLLI" in colour:
        return False
    if "cICP" in colour:
        return colour["cICP"][:2] == _SRGB_CODES
    if "sRGB" in colour:
        return True
    primaries = (
        struct.unpack(">8I", colour["cHRM"]) if len(colour.get("cHRM", b"")) == 32 else _SRGB_PRIMARIES
    )
    near = all(abs(a - b) < 200 for a, b in zip(primaries, _SRGB_PRIMARIES, strict=True))
    return near and abs(int.from_bytes(colour.get("gAMA", _SRGB_GAMMA)) - 45455) < 200
