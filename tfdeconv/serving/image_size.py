"""How many pixels an encoded image declares, read from its header alone.

A picture of a few hundred bytes can declare billions of pixels; decoding allocates them before it
notices that the data is missing.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError

# Markers without a length: padding, TEM, restarts, start and end of the image.
_BARE_MARKERS = {0x01, 0xD8, 0xD9, *range(0xD0, 0xD8)}
# Frame headers are C0 to CF but for the Huffman table, the JPEG extension and the arithmetic table.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def declared_pixels(data: bytes) -> int | None:
    """Return width times height as the header says, or None for what is no PNG, JPEG, GIF or BMP.

    Sources: PNG specification, section 11.2.1; ITU-T T.81, annex B; GIF89a, section 18; BITMAPINFOHEADER.

    Example:
        >>> declared_pixels(b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little"))
        307200
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"\xff\xd8\xff"):
            width, height = _jpeg_size(data)
        elif data.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
        else:
            return None
    except struct.error:
        return None  # cut off: the decoder says so
    return abs(width * height)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    position = 2
    while True:
        fill, marker = struct.unpack_from(">BB", data, position)
        if fill != 0xFF:
            raise struct.error("no marker")
        if marker == 0xFF:
            position += 1
        elif marker in _BARE_MARKERS:
            position += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        else:
            position += 2 + max(2, *struct.unpack_from(">H", data, position + 2))


def check(strings: np.ndarray[Any, Any], limit: int) -> None:
    """Refuse strings that declare more than ``limit`` pixels.

    Raises:
        InvalidRequestError: One does.
    """
    for value in strings.ravel().tolist():
        pixels = declared_pixels(value) if isinstance(value, bytes) else None
        if pixels is not None and pixels > limit:
            raise InvalidRequestError(
                f"An image declares {pixels} pixels; this server takes at most {limit}. Send it in tiles."
            )
