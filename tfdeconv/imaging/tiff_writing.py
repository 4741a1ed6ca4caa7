"""Write TIFF files of 8 and 16 bits with their EXIF directories."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

from tfdeconv._extras import require
from tfdeconv.imaging.exif import EXIF_IFD, GPS_IFD, parse_exif
from tfdeconv.imaging.photograph import Photograph

_DESCRIPTION, _SOFTWARE, _DATE_TIME = 0x010E, 0x0131, 0x0132
_ROWS_PER_STRIP = 64


def write_tiff(photograph: Photograph, file: BinaryIO) -> None:
    """Write a photograph as a deflated TIFF; ``file`` must be open for reading too."""
    tifffile = require("tifffile", extra="image", feature="Writing TIFF files")
    pixels = photograph.pixels
    channels = pixels.shape[-1]
    exif = dict(parse_exif(photograph.exif)) if photograph.exif is not None else {}
    directories = _directories(photograph.exif)
    tifffile.imwrite(
        file,
        np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels),
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if photograph.has_alpha else None,
        compression="adobe_deflate",
        predictor=True,
        rowsperstrip=_ROWS_PER_STRIP,
        iccprofile=photograph.icc_profile,
        resolution=photograph.dpi,
        resolutionunit="INCH" if photograph.dpi else None,
        metadata=None,
        description=_text(exif.get(_DESCRIPTION)),
        software=_text(exif.get(_SOFTWARE)) or False,
        datetime=_text(exif.get(_DATE_TIME)),
        extratags=[*_tags(exif), *((tag, "I", 1, 0, True) for tag in directories)],
    )
    for tag, directory in directories.items():
        offset = _append(file, directory)
        file.seek(0)
        with tifffile.TiffFile(file, mode="r+") as written:
            written.pages[0].tags[tag].overwrite(offset)


def _directories(block: bytes | None) -> dict[int, Any]:
    """Tag -> the directory of an EXIF block that it points to."""
    if block is None:
        return {}
    exif = parse_exif(block)
    return {tag: directory for tag in (EXIF_IFD, GPS_IFD) if (directory := exif.get_ifd(tag))}


def _append(file: BinaryIO, directory: dict[int, Any]) -> int:
    """Write a directory at the end of the file and return where it begins."""
    plugin = require("PIL.TiffImagePlugin", extra="image", feature="Writing TIFF files")
    file.seek(0, 2)
    file.write(b"\x00" * (file.tell() % 2))
    offset = file.tell()
    ifd = plugin.ImageFileDirectory_v2(b"II*\x00" + struct.pack("<I", 8))
    for tag, value in directory.items():
        ifd[tag] = value
    file.write(ifd.tobytes(offset))
    return offset


def _tags(exif: dict[int, Any]) -> list[tuple[int, str, int, Any, bool]]:
    """The descriptive tags of the first directory that tifffile has no argument for."""
    tags: list[tuple[int, str, int, Any, bool]] = []
    for tag, value in exif.items():
        if tag in (_DESCRIPTION, _SOFTWARE, _DATE_TIME, EXIF_IFD, GPS_IFD):
            continue
        if isinstance(value, str):
            encoded = value.encode() + b"\x00"
            tags.append((tag, "s", len(encoded), encoded, True))
        elif isinstance(value, bytes):
            tags.append((tag, "B", len(value), value, True))
        elif isinstance(value, int):
            tags.append((tag, "H" if value < 2**16 else "I", 1, value, True))
    return tags


def _text(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) and value else None
