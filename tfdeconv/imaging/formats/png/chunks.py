"""The chunks that PNG files are made of: length, name, content, checksum.

References:
    Portable Network Graphics (Third Edition), W3C 2025, sections 5.3 (layout) and 5.4 (names).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ANCILLARY = 0x20  # bit of a name's first letter, which is then a small one


class Chunk(NamedTuple):
    """One chunk of a file.

    Attributes:
        name: Its name, four letters.
        content: What it holds, as far as the file goes.
        intact: Whether all of it is there and its checksum right.
    """

    name: bytes
    content: bytes
    intact: bool

    @property
    def is_critical(self) -> bool:
        """Whether a picture cannot be shown without it."""
        return not self.name[0] & _ANCILLARY


def read_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks of a PNG file from its start to its end chunk, or as far as it goes.

    Example:
        >>> import io
        >>> file = io.BytesIO(SIGNATURE)
        >>> _ = file.seek(0, 2)
        >>> write_chunk(file, b"tEXt", b"Title")
        >>> list(read_chunks(file))
        [Chunk(name=b'tEXt', content=b'Title', intact=True)]
    """
    size = file.seek(0, 2)
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if not name.isalpha():  # padding, or what stands in a damaged place
            return
        content = file.read(min(length, size - file.tell()))
        checksum = struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
        yield Chunk(name, content, len(content) == length and file.read(4) == checksum)
        if name == b"IEND":
            return


def write_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    """Write a chunk with its length and checksum."""
    file.write(struct.pack(">I", len(content)) + name)
    file.write(content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
