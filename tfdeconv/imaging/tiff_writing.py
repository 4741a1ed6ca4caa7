"""Write TIFF files of 8 and 16 bits with their EXIF directories."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from tfdeconv._extras import require
from tfdeconv.imaging.exif import EXIF_IFD, GPS_IFD, parse_exif
from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.tiff_directories import add_directories

_DESCRIPTION, _SOFTWARE, _DATE_TIME = 0x010E, 0x0131, 0x0132
_ROWS_PER_STRIP = 64


def write_tiff(photograph: Photograph, file: BinaryIO, *, big: bool | None = None) -> None:
    """Write a photograph as a deflated TIFF.

    Args:
        photograph: What to write.
        file: Open for writing and reading.
        big: Whether to write BigTIFF; None: where the pixels need it, above 4 GB.
    """
    tifffile = require("tifffile", extra="image", feature="Writing TIFF files")
    pixels = photograph.pixels
    channels = pixels.shape[-1]
    exif = dict(parse_exif(photograph.exif)) if photograph.exif is not None else {}
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
        extratags=_tags(exif),
        bigtiff=big,
    )
    if photograph.exif is not None:
        add_directories(file, photograph.exif)


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
