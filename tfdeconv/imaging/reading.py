"""Read photographs with everything that must not get lost."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError, MissingExtraError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.deep_png import PNG_BIT_DEPTH_AT, decode_deep_png
from tfdeconv.imaging.formats.deep_tiff import is_deep_tiff, read_deep_tiff
from tfdeconv.imaging.formats.exif import (
    ORIENTATION,
    block_of,
    block_of_tiff,
    legal_orientation,
    orientation_of,
    upright_exif,
)
from tfdeconv.imaging.formats.orientation import upright, upright_dpi
from tfdeconv.imaging.photograph import Photograph

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
"""Endings of file names that can be read and written, in lower case."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
# Pillow's modes -> the mode that holds the same picture in 8 bits a sample, without palettes and the like.
_PLAIN_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "YCbCr": "RGB",
}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}


def read_photograph(path: str | os.PathLike[str]) -> Photograph:
    """Read a PNG, JPEG, WebP or TIFF file.

    Grey stays grey, 16 bits stay 16 bits, transparency becomes an alpha channel, palettes become
    colours, CMYK becomes sRGB (through its ICC profile where it has one). The orientation tag is applied
    to the pixels and marked as done in the EXIF block; the thumbnail in it, which would be out of date, is
    taken out. XMP, IPTC and text chunks are not read.

    Args:
        path: The file. Its content decides what it is, not its name.

    Returns:
        The photograph, upright, with its metadata.

    Raises:
        ImageError: The file cannot be read, is not such a picture, is broken, or holds several pictures
            or samples that are neither 8 nor 16 bits.
        MissingExtraError: The ``image`` extra is not installed.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "grey.png")
        ...     Image.new("L", (3, 2)).save(path)
        ...     read_photograph(path).describe()
        '3x2 grey, 8 bit'
    """
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on sloppy metadata and large sizes
            if is_deep_tiff(path):
                return read_deep_tiff(path)
            with pillow.open(path, formats=_FORMATS) as image:
                return _read(path, image)
    except MissingExtraError:
        raise
    except pillow.UnidentifiedImageError:
        raise ImageError(f"{path} is not a PNG, JPEG, WebP or TIFF picture.") from None
    except pillow.DecompressionBombError:
        raise ImageError(
            f"{path} has more than {2 * pillow.MAX_IMAGE_PIXELS:,} pixels, which Pillow refuses to decode."
        ) from None
    except ImageError as error:
        raise ImageError(f"{path} {error}") from None
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder, not a file.") from None
    except Exception as error:  # the decoders raise errors of any kind for files that contradict themselves
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError(f"{path} cannot be read: {reason.rstrip('.')}.") from error


def _read(path: Path, image: Any) -> Photograph:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # MPO: a camera's JPEG, whose further pictures are previews
        raise ImageError(f"holds {frames} pictures; only files with one are read.")
    icc_profile = image.info.get("icc_profile") or None
    dpi = image.info.get("dpi")
    exif, orientation = _exif(image)
    if image.format == "PNG" and _png_bit_depth(path) == 16:
        pixels = decode_deep_png(path.read_bytes(), transparent=image.info.get("transparency"))
    else:
        pixels, icc_profile = _decode_8_bit(image, icc_profile)
    turned_by_pillow = image.format == "TIFF"  # when it decodes; other formats it leaves as they are
    return Photograph(
        upright(pixels, 1 if turned_by_pillow else orientation),
        icc_profile=icc_profile,
        exif=upright_exif(exif),
        dpi=None if dpi is None else upright_dpi(dpi, orientation),
    )


def _exif(image: Any) -> tuple[bytes | None, int]:
    """EXIF block and orientation."""
    try:
        parsed = image.getexif()
        declared = parsed.get(ORIENTATION, 1)  # from XMP, where there is no EXIF
    except Exception:  # whatever the parser trips over; the pixels may be fine
        parsed, declared = None, 1
    if image.format == "TIFF":
        block = block_of_tiff(parsed) if parsed is not None else None
    else:
        block = block_of(image)
    return block, orientation_of(block) if block is not None else legal_orientation(declared)


def _png_bit_depth(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(PNG_BIT_DEPTH_AT + 1)[PNG_BIT_DEPTH_AT]


def _decode_8_bit(image: Any, icc_profile: bytes | None) -> tuple[NDArray[Any], bytes | None]:
    """Pixels, and the profile that holds for them."""
    if image.mode == "CMYK":
        return np.asarray(_cmyk_to_srgb(image, icc_profile)), None
    if image.mode not in _PLAIN_MODES:
        raise ImageError(f"holds {image.mode} pixels; only grey, RGB and CMYK are read. Convert it first.")
    mode = _PLAIN_MODES[image.mode]
    if "transparency" in image.info:
        mode = _WITH_ALPHA.get(mode, mode)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if image.mode == "P" and icc_profile is None and _is_grey(pixels):  # a profile of palettes is for RGB
        pixels = pixels[..., 2:]  # blue, and alpha where there is one
    return pixels, icc_profile


def _is_grey(pixels: NDArray[Any]) -> bool:
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _cmyk_to_srgb(image: Any, icc_profile: bytes | None) -> Any:
    if icc_profile is None:
        return image.convert("RGB")
    cms = require("PIL.ImageCms", extra="image", feature="Reading CMYK pictures")
    try:
        return cms.profileToProfile(
            image, io.BytesIO(icc_profile), cms.createProfile("sRGB"), outputMode="RGB"
        )
    except cms.PyCMSError as error:
        raise ImageError(f"has an ICC profile that does not fit its CMYK pixels: {error}.") from None
