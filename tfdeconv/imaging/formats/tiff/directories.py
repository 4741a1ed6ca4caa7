"""EXIF and GPS directories of TIFF files, which tifffile does not write."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from tfdeconv.extras import require

_BIG = 43
_LONG, _LONG8 = 4, 16  # types of a pointer in TIFF and in BigTIFF


def add_directories(file: BinaryIO, directories: dict[int, dict[int, Any]]) -> None:
    """Add the EXIF and GPS directories to a little-endian TIFF file.

    The first directory of a TIFF file has no room for another entry, so a longer copy of it goes to the
    end of the file and takes its place; its entries point to absolute positions and stay as they are.

    Args:
        file: A TIFF or BigTIFF file, open for writing and reading.
        directories: Tag -> the entries of the directory that it points to.

    References:
        TIFF 6.0, section 2; Exif 2.32, section 4.6.3.
    """
    file.seek(0)
    header = file.read(8)
    big = header[2] == _BIG
    header += file.read(8 if big else 0)
    count_format, entry_size = ("<Q", 20) if big else ("<H", 12)
    pointer_format, pointer_at = ("<Q", 8) if big else ("<I", 4)
    (first,) = struct.unpack_from(pointer_format, header, pointer_at)
    file.seek(first)
    (count,) = struct.unpack(count_format, file.read(struct.calcsize(count_format)))
    entries = [file.read(entry_size) for _ in range(count)]
    for tag, directory in directories.items():
        offset = _append(file, directory, header)
        entry = ("<HHQQ", tag, _LONG8, 1, offset) if big else ("<HHII", tag, _LONG, 1, offset)
        entries.append(struct.pack(*entry))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    offset = _end(file)
    file.write(struct.pack(count_format, len(entries)) + b"".join(entries) + struct.pack(pointer_format, 0))
    file.seek(pointer_at)
    file.write(struct.pack(pointer_format, offset))


def _append(file: BinaryIO, directory: dict[int, Any], header: bytes) -> int:
    """Write a directory at the end of the file; where it begins."""
    plugin = require("PIL.TiffImagePlugin", extra="image", feature="Writing TIFF files")
    offset = _end(file)
    ifd = plugin.ImageFileDirectory_v2(header)
    for tag, value in directory.items():
        ifd[tag] = value
    file.write(ifd.tobytes(offset))
    return offset


def _end(file: BinaryIO) -> int:
    """Go to the end of the file, made even as TIFF wants it for directories."""
    file.seek(0, 2)
    file.write(b"\x00" * (file.tell() % 2))
    return file.tell()
