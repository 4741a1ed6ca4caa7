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
_JXL_CODESTREAM = b"\xff\x0a"
_JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
# Width to height, by the number in the header.
_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
# Frame headers are C0 to CF but for the Huffman table, the JPEG extension and the arithmetic table.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def declared_pixels(data: bytes) -> int | None:
    """Return width times height (times frames) by the headers, or None for what TensorFlow cannot read.

    Sources: PNG specification, section 11.2.1; ITU-T T.81, annex B; GIF89a, section 18; BITMAPINFOHEADER;
    WebP container specification and RFC 9649; ISO/IEC 18181-1, SizeHeader.

    Example:
        >>> declared_pixels(b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little") + bytes(3))
        307200
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"\xff\xd8\xff"):
            width, height = _jpeg_size(data)
        elif data.startswith((b"GIF87a", b"GIF89a")):
            return _gif_pixels(data)
        elif data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            width, height = _webp_size(data)
        elif data.startswith((_JXL_CODESTREAM, _JXL_CONTAINER)):
            width, height = _jpeg_xl_size(data)
        else:
            return None
    except struct.error:
        return None  # cut off: the decoder says so
    return abs(width * height)


def _gif_pixels(data: bytes) -> int:
    """Add up the images of a GIF, at least its screen; those behind an error are not decoded either.

    The decoder allocates every image at its own size, and returns all of them at the largest.
    """
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    frames = 0
    position = 13 + _gif_table(packed)
    while position < len(data):
        kind = data[position]
        if kind == 0x2C:  # an image: its place and size, its colours, the size of its codes
            frames += 1
            if position + 10 > len(data):
                break
            size = struct.unpack_from("<HH", data, position + 5)
            width, height = max(width, size[0]), max(height, size[1])
            position += 11 + _gif_table(data[position + 9])
        elif kind == 0x21:  # an extension
            position += 2
        else:  # the end
            break
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    return int(width * height * max(1, frames))


def _gif_table(packed: int) -> int:
    """Return the size of the colour table that a field announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


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


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        packed = int.from_bytes(_exactly(data, 24, 6), "little")
        return (packed & 0xFFFFFF) + 1, (packed >> 24) + 1
    if kind == b"VP8L":
        packed = int.from_bytes(_exactly(data, 21, 4), "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _exactly(data: bytes, position: int, count: int) -> bytes:
    (found,) = struct.unpack_from(f"{count}s", data, position)
    return bytes(found)


def _jpeg_xl_size(data: bytes) -> tuple[int, int]:
    position = data.find(_JXL_CODESTREAM)
    if position < 0:
        raise struct.error("no codestream")
    # The fields are at most 72 bits, least significant first; the data behind them may be cut off.
    bits = int.from_bytes(data[position + 2 : position + 12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    in_eights = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if in_eights else take((9, 13, 18, 30)[take(2)]) + 1

    height = side()
    ratio = take(3)
    if ratio:
        over, under = _JXL_RATIOS[ratio - 1]
        return height * over // under, height
    return side(), height


def check(strings: np.ndarray[Any, Any], limit: int) -> None:
    """Refuse strings that together declare more than ``limit`` pixels.

    Raises:
        InvalidRequestError: They do.
    """
    total = 0
    for value in strings.ravel().tolist():
        total += (declared_pixels(value) or 0) if isinstance(value, bytes) else 0
        if total > limit:
            one = strings.size == 1
            what = f"An image declares {total}" if one else f"The images of a request declare {total} or more"
            how = "Send it in tiles" if one else "Send fewer at once"
            raise InvalidRequestError(f"{what} pixels; this server takes at most {limit}. {how}.")
