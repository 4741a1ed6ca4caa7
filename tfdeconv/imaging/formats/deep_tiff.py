"""Read TIFF with 16 bits a sample, which Pillow reduces to 8 in colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.exif import ORIENTATION, block_of_tiff, legal_orientation, upright_exif
from tfdeconv.imaging.formats.orientation import upright, upright_dpi
from tfdeconv.imaging.photograph import Photograph

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_X_RESOLUTION, _ICC_PROFILE = 282, 34675
_COLOURS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3}
_PREMULTIPLIED, _ALPHA = 1, 2  # values of the tag ExtraSamples


def is_deep_tiff(path: Path) -> bool:
    """Return whether a file is a TIFF of more than 8 bits a sample.

    Raises:
        ImageError: It is a TIFF without a picture.
    """
    with path.open("rb") as file:
        if file.read(4) not in _SIGNATURES:
            return False
    tifffile = require("tifffile", extra="image", feature="Reading TIFF files")
    with tifffile.TiffFile(path) as file:
        if not len(file.pages):
            raise ImageError("is cut off or damaged: it holds no picture.")
        return max(np.atleast_1d(file.pages[0].bitspersample)) > 8


def read_deep_tiff(path: Path) -> Photograph:
    """Read a 16-bit TIFF; alpha comes out not premultiplied.

    Raises:
        ImageError: Its samples are not 16-bit integers, neither grey nor RGB, or it has several pages.
    """
    tifffile = require("tifffile", extra="image", feature="Reading 16-bit TIFF files")
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    with tifffile.TiffFile(path) as file:
        if len(file.pages) > 1:
            raise ImageError(f"holds {len(file.pages)} pictures; only files with one are read.")
        page = file.pages[0]
        pixels = _decode(page)
        exif = pillow.Exif()
        exif.bigtiff, exif.endian = file.is_bigtiff, file.byteorder
        exif.load_from_fp(file.filehandle, page.offset)
        orientation = legal_orientation(exif.get(ORIENTATION, 1))
        block = block_of_tiff(exif)
        dpi = page.get_resolution("inch") if _X_RESOLUTION in page.tags else None
        icc_profile = page.tags.valueof(_ICC_PROFILE)
    return Photograph(
        upright(pixels, orientation),
        icc_profile=icc_profile,
        exif=upright_exif(block),
        dpi=None if dpi is None else upright_dpi(dpi, orientation),
    )


def _decode(page: Any) -> NDArray[np.uint16]:
    if page.dtype != np.uint16 or page.bitspersample != 16:
        raise ImageError(
            f"holds {page.bitspersample}-bit samples ({page.dtype}); 8-bit and 16-bit integers are read. "
            "Convert it first."
        )
    kind = page.photometric.name
    if kind not in _COLOURS:
        raise ImageError(f"holds {kind} pixels in 16 bits; grey and RGB are read. Convert it first.")
    pixels = page.asarray()
    if pixels.ndim == 3 and page.planarconfig.name == "SEPARATE":
        pixels = np.moveaxis(pixels, 0, -1)
    extra = tuple(page.extrasamples)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    colours, alpha = np.split(pixels[..., : _COLOURS[kind] + 1], [_COLOURS[kind]], axis=-1)
    if kind == "MINISWHITE":
        colours = np.uint16(65535) - colours
    if not extra or extra[0] not in (_PREMULTIPLIED, _ALPHA):
        return colours
    if extra[0] == _PREMULTIPLIED:
        colours = _divided(colours, alpha)
    return np.concatenate([colours, alpha], axis=-1)


def _divided(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint16]:
    straight = colours.astype(np.float32) * 65535 / np.maximum(alpha, 1)
    return np.rint(np.minimum(straight, 65535)).astype(np.uint16)
