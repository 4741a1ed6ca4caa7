"""Boxes of AVIF, HEIC, JPEG 2000 and JPEG XL files: length, name, content.

References:
    ISO/IEC 14496-12 (base media file format), section 4.2; ISO/IEC 15444-1 (JPEG 2000), annex I; ISO/IEC
    18181-2 (JPEG XL), section 9.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0}  # name -> bytes before the boxes within
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def boxes(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    r"""Names and contents of the boxes of a file, those within others included, as far as they make sense.

    Example:
        >>> list(boxes(b"\0\0\0\x0cabcdtext"))
        [(b'abcd', b'text')]
    """
    stop = len(data) if stop is None else stop
    while start + 8 <= stop:
        length, name = struct.unpack_from(">I4s", data, start)
        begin = start + 8
        if length == 1 and begin + 8 <= stop:
            (length,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        end = stop if length == 0 else start + length
        if end < begin or end > stop:
            return
        if name in _CONTAINERS:
            yield from boxes(data, begin + _CONTAINERS[name], end)
        elif name not in (b"mdat", b"jxlc", b"jxlp", b"jp2c"):  # the pixels
            yield name, data[begin:end]
        start = end


def coded_colour(data: bytes) -> bytes | None:
    """Return the content of a PNG's cICP chunk from a file's ``colr`` box of kind ``nclx``; None for none."""
    for name, content in boxes(data):
        if name == b"colr" and content[:4] == b"nclx" and len(content) >= 10:
            primaries, transfer = struct.unpack_from(">2H", content, 4)
            if max(primaries, transfer) < 256:
                return bytes([primaries, transfer, 0, 1])  # RGB over the full range, as decoders give it
    return None


def profile_of_jpeg_2000(data: bytes) -> bytes | None:
    """Return the ICC profile of a JPEG 2000 file; None for none."""
    for name, content in boxes(data):
        if name == b"colr" and content[:1] in (b"\2", b"\3"):
            return content[3:] or None
    return None


def xmp_of_boxes(data: bytes) -> bytes | None:
    """Return the XMP packet of a JPEG 2000 or JPEG XL file; None for none."""
    for name, content in boxes(data):
        if name == b"uuid" and content.startswith(_XMP_UUID):
            return content[len(_XMP_UUID) :] or None
        if name == b"xml " and b"<x:xmpmeta" in content[:1000]:
            return content
    return None
