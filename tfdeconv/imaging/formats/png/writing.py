"""What stands between the header and the pixels of PNG files that are written.

References:
    Portable Network Graphics (Third Edition), W3C 2025: sections 11.3.2 (colour), 11.3.3 (text), 11.3.4.3
    (pHYs) and 11.3.4.5 (eXIf).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from tfdeconv.imaging.formats.metadata.iptc import png_raw_profile
from tfdeconv.imaging.formats.png.chunks import SIGNATURE, write_chunk
from tfdeconv.imaging.formats.png.colour import COLOUR_CHUNKS
from tfdeconv.imaging.formats.png.facts import XMP_KEYWORD
from tfdeconv.imaging.photograph import Photograph

_INCHES_PER_METRE = 1 / 0.0254
_LONGEST_KEYWORD = 79


def metadata_chunks(photograph: Photograph) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks between the header and the pixels of a photograph's file."""
    for name in COLOUR_CHUNKS:
        if name in photograph.colour and not (name == "sRGB" and photograph.icc_profile is not None):
            yield name.encode(), photograph.colour[name]
    if photograph.icc_profile is not None:
        yield b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(photograph.icc_profile)
    if photograph.dpi is not None:
        per_metre = [round(dpi * _INCHES_PER_METRE) for dpi in photograph.dpi]
        yield b"pHYs", struct.pack(">IIB", *per_metre, 1)
    if photograph.exif is not None:
        yield b"eXIf", photograph.exif
    if photograph.xmp is not None:  # not compressed: programs look for it without a decoder
        yield b"iTXt", XMP_KEYWORD.encode() + b"\0\0\0\0\0" + photograph.xmp
    if photograph.iptc is not None:
        profile = png_raw_profile(photograph.iptc).encode()
        yield b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(profile)
    for keyword, text in photograph.text.items():
        key = keyword.encode("latin-1", "replace").replace(b"\0", b"")[:_LONGEST_KEYWORD] or b"Comment"
        yield b"iTXt", key + b"\0\0\0\0\0" + text.encode("utf-8", "replace").replace(b"\0", b"")


class WithChunks:
    """A file that passes a PNG on, with further chunks behind its header.

    Pillow writes no mDCV, cLLI and the like; so it is given this instead of the file.

    Args:
        file: Where the picture goes.
        chunks: Names and contents.
    """

    def __init__(self, file: BinaryIO, chunks: Iterator[tuple[bytes, bytes]]) -> None:
        self._file = file
        self._chunks = chunks
        self._until_header_ends = len(SIGNATURE) + 4 + 4 + 13 + 4

    def write(self, data: bytes) -> int:
        """Pass on what an encoder writes."""
        head, rest = data[: self._until_header_ends], data[self._until_header_ends :]
        if head:
            self._file.write(head)
            self._until_header_ends -= len(head)
            if not self._until_header_ends:
                for name, content in self._chunks:
                    write_chunk(self._file, name, content)
        self._file.write(rest)
        return len(data)

    def flush(self) -> None:
        """Pass on."""
        self._file.flush()
