"""Write photographs, whole or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfdeconv.errors import ImageError, InvalidArgumentError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.atomic_file import atomic_file
from tfdeconv.imaging.formats.deep_png import write_deep_png
from tfdeconv.imaging.formats.eight_bit import eight_bit
from tfdeconv.imaging.formats.exif import resized_exif
from tfdeconv.imaging.formats.tiff_writing import write_tiff
from tfdeconv.imaging.photograph import Photograph

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WebP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_LARGEST_SIDE = {"JPEG": 65500, "WebP": 16383}  # limits of libjpeg and of the WebP format
_WEBP_METHOD = (
    2  # Pillow's default, 4, saves 2 % of the file, takes 5 times as long and 0.6 GB for 100 megapixels
)
_COLOUR_SPACE = slice(16, 20)  # where an ICC profile names it
_FULL_CHROMA_FROM = 90  # the JPEG quality from which colour is not stored at half the resolution


def check_target(
    path: str | os.PathLike[str], *, height: int, width: int, alpha: bool, overwrite: bool = False
) -> None:
    """Raise early what :func:`write_photograph` would raise for such a picture.

    Args:
        path: The file to be written.
        height: Height in pixels.
        width: Width in pixels.
        alpha: Whether the picture has an alpha channel.
        overwrite: Whether a file of that name may be replaced.

    Raises:
        ImageError: The name's ending is unknown, the format cannot hold the picture, the folder is
            missing or read-only, or the file exists.

    Example:
        >>> check_target("a.jpg", height=2, width=3, alpha=True)
        Traceback (most recent call last):
        ...
        tfdeconv.errors.ImageError: a.jpg cannot hold alpha (JPEG has none). Write PNG, WebP or TIFF.
    """
    path = Path(path)
    kind = _format(path)
    if alpha and kind == "JPEG":
        raise ImageError(f"{path} cannot hold alpha (JPEG has none). Write PNG, WebP or TIFF.")
    limit = _LARGEST_SIDE.get(kind)
    if limit is not None and max(height, width) > limit:
        raise ImageError(
            f"{path} cannot hold {width}x{height} pixels: a {kind} side ends at {limit}. Write PNG or TIFF."
        )
    if not path.parent.is_dir():
        raise ImageError(f"{path} cannot be written: the folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ImageError(f"{path} cannot be written: no permission to write to {path.parent}.")
    if path.exists() and not overwrite:
        raise ImageError(f"{path} exists. Choose another name, or pass overwrite=True (--overwrite).")


def write_photograph(
    photograph: Photograph,
    path: str | os.PathLike[str],
    *,
    quality: int = 95,
    overwrite: bool = False,
) -> None:
    """Write a photograph as PNG, JPEG, WebP or TIFF, by the ending of its name.

    Profile, EXIF block and resolution go along (WebP has no place for the resolution). PNG and TIFF keep
    16 bits; JPEG and WebP get 8. WebP has no grey: grey becomes RGB there.

    Args:
        photograph: What to write. Width and height in its EXIF block are brought up to date.
        path: The file; it appears when it is complete.
        quality: Of JPEG and WebP, 1 to 100. From 90 on, JPEG stores colour at full resolution.
        overwrite: Whether a file of that name may be replaced.

    Raises:
        ImageError: See :func:`check_target`; or the disk is full, or the like.
        InvalidArgumentError: ``quality`` is out of its range.
        MissingExtraError: The ``image`` extra is not installed.

    Example:
        >>> import tempfile
        >>> from tfdeconv.imaging import read_photograph
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "deep.tif")
        ...     write_photograph(Photograph(np.full([2, 3, 3], 40_000, np.uint16)), path)
        ...     read_photograph(path).describe()
        '3x2 RGB, 16 bit'
    """
    if not 1 <= quality <= 100:
        raise InvalidArgumentError(f"quality must lie in 1 to 100; received {quality}.")
    path = Path(path)
    height, width = photograph.pixels.shape[:2]
    check_target(path, height=height, width=width, alpha=photograph.has_alpha, overwrite=overwrite)
    photograph = replace(photograph, exif=resized_exif(photograph.exif, width=width, height=height))
    with atomic_file(path, overwrite=overwrite) as file:
        try:
            _encode(photograph, file, _format(path), quality)
        except ImageError as error:
            raise ImageError(f"{path} cannot be written: {error}") from error


def _encode(photograph: Photograph, file: BinaryIO, kind: str, quality: int) -> None:
    if kind == "TIFF":
        write_tiff(photograph, file)
    elif kind == "PNG" and photograph.pixels.dtype == np.uint16:
        write_deep_png(photograph, file)
    else:
        _write_8_bit(photograph, file, kind, quality)


def _format(path: Path) -> str:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"{path} must end in one of {', '.join(_FORMATS)}, which choose the format."
        ) from None


def _write_8_bit(photograph: Photograph, file: BinaryIO, kind: str, quality: int) -> None:
    pillow = require("PIL.Image", extra="image", feature="Writing photographs")
    pixels = eight_bit(photograph.pixels)
    image = pillow.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    options: dict[str, Any] = {}
    if kind == "JPEG":
        options = {"quality": quality, "subsampling": 0 if quality >= _FULL_CHROMA_FROM else 2}
    elif kind == "WebP":
        if (photograph.icc_profile or b"")[_COLOUR_SPACE] == b"GRAY":
            raise ImageError(
                "WebP has no grey, so a grey ICC profile has no meaning there. Write PNG or TIFF."
            )
        options = {"quality": quality, "exact": True, "method": _WEBP_METHOD}
    if photograph.icc_profile is not None:
        options["icc_profile"] = photograph.icc_profile
    if photograph.exif is not None:
        options["exif"] = photograph.exif if kind == "PNG" else b"Exif\x00\x00" + photograph.exif
    if photograph.dpi is not None and kind != "WebP":
        options["dpi"] = photograph.dpi
    try:
        image.save(file, kind.upper(), **options)
    except ValueError as error:  # an EXIF block or a profile that the format has no room for
        raise ImageError(f"{kind} cannot hold this picture: {error}.") from error
