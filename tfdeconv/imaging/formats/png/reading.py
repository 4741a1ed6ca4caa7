"""Read PNG files of every sort with libpng, in as many bits as they have."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.grey import without_colour
from tfdeconv.imaging.formats.metadata.exif import orientation_of
from tfdeconv.imaging.formats.metadata.iptc import iptc_of_png
from tfdeconv.imaging.formats.metadata.xmp import orientation_of_xmp
from tfdeconv.imaging.formats.png.facts import RAW_PROFILE, PngFacts, read_facts
from tfdeconv.imaging.photograph import Photograph


def read_png(file: BinaryIO, *, most_pixels: int) -> tuple[Photograph, int, int]:
    """Read the picture that every program shows of a file.

    Returns:
        The photograph as it lies in the file, its orientation, and how many pictures the file holds.

    Raises:
        ImageError: The file is damaged or cut off.
        PIL.Image.DecompressionBombError: It has more than ``most_pixels``.
    """
    pillow = require("PIL.Image", extra="image", feature="Reading photographs")
    facts = read_facts(file)
    if facts.width * facts.height > most_pixels:
        raise pillow.DecompressionBombError
    pixels = _decode(facts)
    if facts.colour_type == 3 and facts.icc_profile is None:  # a profile of palettes is for RGB
        pixels = without_colour(pixels)
    if facts.transparent is not None:
        pixels = _with_alpha(pixels, facts.transparent, facts.bit_depth)
    photograph = Photograph(
        pixels,
        icc_profile=facts.icc_profile,
        exif=facts.exif,
        dpi=facts.dpi,
        xmp=facts.xmp,
        iptc=iptc_of_png(facts.text),
        colour=facts.colour,
        text={key: text for key, text in facts.text.items() if not key.startswith(RAW_PROFILE)},
        notes=facts.notes,
    )
    return photograph, _orientation(facts), facts.frames


def _decode(facts: PngFacts) -> NDArray[Any]:
    codecs = require("imagecodecs", extra="image", feature="Reading PNG files")
    try:
        pixels: NDArray[Any] = codecs.png_decode(facts.picture)
    except codecs.PngError as error:
        reason = str(error).rstrip(".")
        raise ImageError(f"is cut off or damaged, and its pixels cannot be decoded: {reason}.") from error
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def _with_alpha(pixels: NDArray[Any], transparent: tuple[int, ...], bit_depth: int) -> NDArray[Any]:
    """Pixels with an alpha channel: 0 for the colour that a tRNS chunk names, as samples of the file."""
    most = np.iinfo(pixels.dtype).max
    key = np.array(transparent) * (most // ((1 << bit_depth) - 1))
    opaque = (pixels != key.astype(pixels.dtype)).any(axis=-1, keepdims=True)
    return np.concatenate([pixels, np.where(opaque, most, 0).astype(pixels.dtype)], axis=-1)


def _orientation(facts: PngFacts) -> int:
    """EXIF's, or XMP's where there is no EXIF."""
    if facts.exif is not None:
        return orientation_of(facts.exif)
    return 1 if facts.xmp is None else orientation_of_xmp(facts.xmp)
