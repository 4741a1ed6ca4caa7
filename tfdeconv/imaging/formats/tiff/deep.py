"""Read TIFF of 16 bits a sample, which Pillow reduces to 8 in colour, or with compressions that it lacks."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.metadata.exif import ORIENTATION, block_of_tiff, legal_orientation
from tfdeconv.imaging.formats.metadata.iptc import TIFF_RESOURCES_TAG, TIFF_TAG, iptc_of_tiff
from tfdeconv.imaging.photograph import Photograph

XMP_TAG = 700
_X_RESOLUTION, _ICC_PROFILE, _SUBFILE_TYPE = 282, 34675, 254
_COLOURS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3, "YCBCR": 3}
_PREMULTIPLIED, _ALPHA = 1, 2  # values of the tag ExtraSamples
_REDUCED = 1  # bit of the tag NewSubfileType
_BY_PILLOW = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000}  # compressions
_OLD_JPEG, _JPEG = 6, 7


def tiff_pages(file: BinaryIO) -> int:
    """Return how many pictures a TIFF file holds.

    Raises:
        ImageError: It holds none, or a camera's preview alone.
    """
    tifffile = require("tifffile", extra="image", feature="Reading TIFF files")
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        if not len(tiff.pages):
            raise ImageError("is cut off or damaged: it holds no picture.")
        if int(tiff.pages[0].tags.valueof(_SUBFILE_TYPE) or 0) & _REDUCED:
            raise ImageError(
                "holds a preview, and its picture elsewhere (a camera's raw file). Develop it first."
            )
        return len(tiff.pages)


def is_deep_tiff(file: BinaryIO) -> bool:
    """Return whether a TIFF has more than 8 bits a sample, or a compression that Pillow does not read."""
    tifffile = require("tifffile", extra="image", feature="Reading TIFF files")
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        deep = max(np.atleast_1d(page.bitspersample)) > 8 and page.compression not in (_OLD_JPEG, _JPEG)
        return deep or page.compression not in _BY_PILLOW


def read_deep_tiff(file: BinaryIO, *, most_pixels: int) -> tuple[Photograph, int]:
    """Read the first picture of a TIFF; alpha comes out not premultiplied.

    Returns:
        The photograph as it lies in the file, and its orientation.

    Raises:
        ImageError: Its samples are not integers of 8 or 16 bits, neither grey nor RGB, or more than
            ``most_pixels``.
    """
    tifffile = require("tifffile", extra="image", feature="Reading 16-bit TIFF files")
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        if page.imagewidth * page.imagelength > most_pixels:
            raise pillow.DecompressionBombError
        pixels = _decode(page)
        exif = pillow.Exif()
        exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
        exif.load_from_fp(tiff.filehandle, page.offset)
        photograph = Photograph(
            pixels,
            icc_profile=page.tags.valueof(_ICC_PROFILE),
            exif=block_of_tiff(exif),
            dpi=page.get_resolution("inch") if _X_RESOLUTION in page.tags else None,
            xmp=_bytes(page.tags.valueof(XMP_TAG)),
            iptc=iptc_of_tiff(page.tags.valueof(TIFF_TAG), page.tags.valueof(TIFF_RESOURCES_TAG)),
        )
    return photograph, legal_orientation(exif.get(ORIENTATION, 1))


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | tuple) and value else None


def _decode(page: Any) -> NDArray[Any]:
    if page.dtype not in (np.uint8, np.uint16) or page.bitspersample not in (8, 16):
        raise ImageError(
            f"holds {page.bitspersample}-bit samples ({page.dtype}); 8-bit and 16-bit integers are read. "
            "Convert it first."
        )
    kind = page.photometric.name
    if kind not in _COLOURS:
        raise ImageError(
            f"holds {kind} pixels, {page.bitspersample} bit; grey and RGB are read. Convert it first."
        )
    name = getattr(page.compression, "name", str(page.compression))
    try:
        pixels = page.asarray()
    except Exception as error:  # each codec has its own
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise ImageError(f"is a TIFF with {name} compression that cannot be decoded: {reason}.") from error
    if pixels.ndim == 3 and page.planarconfig.name == "SEPARATE":
        pixels = np.moveaxis(pixels, 0, -1)
    extra = tuple(page.extrasamples)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    colours, alpha = np.split(pixels[..., : _COLOURS[kind] + 1], [_COLOURS[kind]], axis=-1)
    if kind == "MINISWHITE":
        colours = np.iinfo(pixels.dtype).max - colours
    if not extra or extra[0] not in (_PREMULTIPLIED, _ALPHA):
        return colours
    if extra[0] == _PREMULTIPLIED:
        colours = _divided(colours, alpha)
    return np.concatenate([colours, alpha], axis=-1)


def _divided(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    most = np.iinfo(alpha.dtype).max
    straight = colours.astype(np.float32) * most / np.maximum(alpha, 1)
    return np.rint(np.minimum(straight, most)).astype(alpha.dtype)
