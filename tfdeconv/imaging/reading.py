"""Read photographs with everything that must not get lost."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from typing import Any, BinaryIO

from tfdeconv.errors import ImageError, MissingExtraError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.kind import ENDINGS, SNIFFED, kind_of, other_kind
from tfdeconv.imaging.formats.metadata.exif import upright_exif
from tfdeconv.imaging.formats.metadata.icc import misfit
from tfdeconv.imaging.formats.metadata.xmp import upright_xmp
from tfdeconv.imaging.formats.orientation import upright, upright_dpi
from tfdeconv.imaging.formats.pillow_reading import read_with_pillow
from tfdeconv.imaging.formats.png.reading import read_png
from tfdeconv.imaging.formats.tiff.reading import read_tiff
from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.storage import Place, open_input, place

READ_SUFFIXES = tuple(ENDINGS)
"""Endings of file names that are read, in lower case."""


def read_photograph(
    path: str | os.PathLike[str] | Place | BinaryIO, *, first_frame: bool = False
) -> Photograph:
    """Read a picture file.

    PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF and JPEG 2000; HEIC and JPEG XL with the ``formats`` extra. Grey
    stays grey; more than 8 bits become 16; transparency becomes an alpha channel, palettes become colours,
    CMYK becomes sRGB (through its ICC profile where it has one). The orientation tag is applied to the
    pixels and marked as done in EXIF and XMP; the thumbnails in them, which would be out of date, are taken
    out. A profile that is not for the picture's number of colours is left out. What is left out is told in
    ``notes``.

    Args:
        path: A file's name, a URL such as ``s3://bucket/a.png`` (``storage`` extra), a place of
            :mod:`tfdeconv.imaging.storage`, or a file that is open for reading. Its content decides what it
            is, not its name.
        first_frame: Whether to take the first picture of a file with several, such as an animation, instead
            of refusing it.

    Returns:
        The photograph, upright, with its metadata.

    Raises:
        ImageError: The file cannot be read, is not such a picture, is broken, or holds several pictures
            or samples that are not integers of up to 16 bits.
        MissingExtraError: The ``image`` extra is not installed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "grey.png")
        ...     Image.new("L", (3, 2)).save(path)
        ...     read_photograph(path).describe()
        '3x2 grey, 8 bit'
    """
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    source: Any = place(os.fspath(path)) if isinstance(path, str | os.PathLike) else path
    name = getattr(path, "name", "the picture") if hasattr(path, "read") else path
    try:
        with warnings.catch_warnings(), open_input(source) as file:
            warnings.simplefilter("ignore")  # Pillow's remarks on sloppy metadata and large sizes
            return _read(file, pillow, first_frame)
    except MissingExtraError:
        raise
    except pillow.DecompressionBombError:
        raise ImageError(
            f"{name} has more than {_most_pixels(pillow):,} pixels, which Pillow refuses to decode."
        ) from None
    except ImageError as error:
        raise ImageError(f"{name} {error}") from None
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not a file.") from None
    except Exception as error:  # the decoders raise errors of any kind for files that contradict themselves
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError(f"{name} cannot be read: {' '.join(reason.split()).rstrip(' .')}.") from error


def _most_pixels(pillow: Any) -> int:
    return 2 * int(pillow.MAX_IMAGE_PIXELS)


def _read(file: BinaryIO, pillow: Any, first_frame: bool) -> Photograph:
    head = file.read(SNIFFED)
    kind = kind_of(head)
    if kind is None:
        what = "is empty" if not head else f"is {other_kind(head) or 'no picture'}"
        raise ImageError(f"{what}; {', '.join(dict.fromkeys(ENDINGS.values()))} files are read.")
    if kind == "PNG":
        photograph, orientation, pictures = read_png(file, most_pixels=_most_pixels(pillow))
    elif kind == "TIFF":
        photograph, orientation, pictures = read_tiff(file, most_pixels=_most_pixels(pillow))
    else:
        photograph, orientation, pictures = read_with_pillow(file, kind)
    if pictures > 1 and not first_frame:
        raise ImageError(
            f"holds {pictures} pictures; only files with one are read, or the first with first_frame=True."
        )
    return _upright(
        replace(photograph, pixels=upright(photograph.pixels, orientation)), orientation, pictures
    )


def _upright(photograph: Photograph, orientation: int, frames: int) -> Photograph:
    """The photograph with metadata for its turned pixels, and with no profile that is not for them."""
    notes = list(photograph.notes)
    if frames > 1:
        notes.append(f"holds {frames} pictures; the first is taken")
    profile = photograph.icc_profile
    if profile is not None:
        other = misfit(profile, colours=1 if photograph.pixels.shape[-1] <= 2 else 3)
        if other is not None:
            notes.append(f"has an ICC profile for {other}, which does not fit its pixels; it is left out")
            profile = None
    dpi = photograph.dpi
    return replace(
        photograph,
        icc_profile=profile,
        exif=upright_exif(photograph.exif),
        xmp=upright_xmp(photograph.xmp),
        dpi=None if dpi is None else upright_dpi(dpi, orientation),
        notes=tuple(notes),
    )
