"""Read TIFF files: with tifffile, and with Pillow what is compressed as fax, or stored in YCbCr."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, BinaryIO

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.metadata.exif import (
    DESCRIPTIVE,
    EXIF_IFD,
    GPS_IFD,
    ORIENTATION,
    block_of_tiff,
    legal_orientation,
)
from tfdeconv.imaging.formats.metadata.iptc import TIFF_RESOURCES_TAG, TIFF_TAG, iptc_of_tiff
from tfdeconv.imaging.formats.pillow_reading import read_with_pillow
from tfdeconv.imaging.formats.tiff.samples import decode
from tfdeconv.imaging.photograph import Photograph

XMP_TAG = 700
_X_RESOLUTION, _RESOLUTION_UNIT, _ICC_PROFILE, _SUBFILE_TYPE = 282, 296, 34675, 254
_INCH, _CENTIMETRE = 2, 3  # values of the tag ResolutionUnit
_REDUCED, _MASK = 1, 4  # bits of the tag NewSubfileType
_GEOREFERENCE = frozenset({33550, 33922, 34264, 34735})  # GeoTIFF 1.1, section 7
_BY_PILLOW = frozenset({2, 3, 4, 6, 32771})  # compressions: fax, and JPEG as TIFF had it at first
_YCBCR = 6  # of the tag PhotometricInterpretation


def read_tiff(file: BinaryIO, *, most_pixels: int) -> tuple[Photograph, int, int]:
    """Read the first picture of a TIFF file; alpha comes out not premultiplied.

    Returns:
        The photograph as it lies in the file, its orientation, and how many pictures the file holds; smaller
        copies and masks do not count.

    Raises:
        ImageError: It holds no picture, or one that is damaged or of a sort that is not read.
        PIL.Image.DecompressionBombError: It has more than ``most_pixels``.
    """
    tifffile = require("tifffile", extra="image", feature="Reading TIFF files")
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        if not len(tiff.pages):
            raise ImageError("is cut off or damaged: it holds no picture.")
        page = tiff.pages[0]
        if _subfile(page) & _REDUCED:
            raise ImageError(
                "holds a preview, and its picture elsewhere (a camera's raw file). Develop it first."
            )
        if not page.imagewidth * page.imagelength:
            raise ImageError(f"has no pixels: {page.imagewidth}x{page.imagelength}.")
        if page.imagewidth * page.imagelength > most_pixels:
            raise pillow.DecompressionBombError
        others = sum(bool(_subfile(other) & (_REDUCED | _MASK)) for other in tiff.pages[1:])
        pictures = len(tiff.pages) - others
        notes = []
        if others:
            notes.append(f"holds {others} smaller copies or masks of its picture, which are left out")
        if _GEOREFERENCE & set(page.tags.keys()):
            notes.append("says where on Earth its pixels lie (GeoTIFF), which is left out")
        if page.compression in _BY_PILLOW or page.photometric == _YCBCR:
            photograph, _, _ = read_with_pillow(file, "TIFF")  # upright already
            return replace(photograph, notes=(*notes, *photograph.notes)), 1, pictures
        photograph = _read(tiff, page, notes, pillow)
        return photograph, legal_orientation(page.tags.valueof(ORIENTATION, 1)), pictures


def _subfile(page: Any) -> int:
    return int(page.tags.valueof(_SUBFILE_TYPE) or 0)


def _read(tiff: Any, page: Any, notes: list[str], pillow: Any) -> Photograph:
    pixels, profile, more = decode(page, page.tags.valueof(_ICC_PROFILE))
    exif = _exif(tiff, page, notes, pillow)
    return Photograph(
        pixels,
        icc_profile=profile,
        exif=exif,
        dpi=_dpi(page),
        xmp=_bytes(page.tags.valueof(XMP_TAG)),
        iptc=iptc_of_tiff(page.tags.valueof(TIFF_TAG), page.tags.valueof(TIFF_RESOURCES_TAG)),
        notes=(*notes, *more),
    )


def _exif(tiff: Any, page: Any, notes: list[str], pillow: Any) -> bytes | None:
    exif = pillow.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    try:
        exif.load_from_fp(tiff.filehandle, page.offset)
        return block_of_tiff(exif)
    except Exception:  # whatever the parser trips over: nonsense, and BigTIFF that begins with the high byte
        exif = pillow.Exif()
    for tag in page.tags:
        if tag.code in DESCRIPTIVE and isinstance(tag.value, str | int):
            exif[tag.code] = tag.value
    if {EXIF_IFD, GPS_IFD} & set(page.tags.keys()):
        notes.append("has EXIF directories that cannot be read and are left out")
    return block_of_tiff(exif)


def _dpi(page: Any) -> tuple[float, float] | None:
    """Pixels per inch; None where the file does not say, or only how their sides compare."""
    unit = page.tags.valueof(_RESOLUTION_UNIT, _INCH)
    if _X_RESOLUTION not in page.tags or unit not in (_INCH, _CENTIMETRE):
        return None
    horizontal, vertical = page.get_resolution("inch")
    return float(horizontal), float(vertical)


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes | tuple):
        return None
    return bytes(value).rstrip(b"\0") or None
