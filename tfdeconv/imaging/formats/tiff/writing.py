"""Write TIFF files of 8 and 16 bits with their EXIF directories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from tfdeconv.extras import require
from tfdeconv.imaging.formats.metadata.exif import DESCRIPTIVE, directories, parse_exif
from tfdeconv.imaging.formats.metadata.iptc import TIFF_TAG
from tfdeconv.imaging.formats.tiff.directories import add_directories
from tfdeconv.imaging.formats.tiff.reading import XMP_TAG
from tfdeconv.imaging.photograph import Photograph

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
    exif = None if photograph.exif is None else parse_exif(photograph.exif)
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
        software=False,
        extratags=[*([] if exif is None else _tags(exif)), *_packets(photograph)],
        bigtiff=big,
    )
    if exif is not None:
        add_directories(file, directories(exif))


def _tags(exif: Any) -> Iterator[tuple[int, str, int, Any, bool]]:
    """The entries of the first directory, as tifffile wants them, that describe the photograph."""
    for tag, value in exif.items():
        if tag not in DESCRIPTIVE:
            continue
        if isinstance(value, str):
            encoded = value.encode("latin-1") + b"\x00"
            yield tag, "s", len(encoded), encoded, True
        elif isinstance(value, bytes):
            yield tag, "B", len(value), value, True
        elif isinstance(value, int):
            yield tag, "H", 1, value, True


def _packets(photograph: Photograph) -> Iterator[tuple[int, int, int, bytes, bool]]:
    """The entries that hold XMP and IPTC."""
    for tag, kind, content in ((XMP_TAG, 1, photograph.xmp), (TIFF_TAG, 7, photograph.iptc)):
        if content is not None:
            yield tag, kind, len(content), content, True
