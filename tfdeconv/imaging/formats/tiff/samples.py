"""Pixels of TIFF files from their samples: depth, colours, palettes and alpha.

References:
    TIFF 6.0, sections 3 to 6 (grey, palettes, RGB), 16 (CMYK) and 18 (ExtraSamples).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.cmyk import cmyk_to_srgb
from tfdeconv.imaging.formats.deep_codecs import sixteen_bit
from tfdeconv.imaging.formats.grey import without_colour

_COLOURS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3, "PALETTE": 1, "SEPARATED": 4}
_PREMULTIPLIED, _ALPHA = 1, 2  # values of the tag ExtraSamples
_UNSIGNED = 1  # of the tag SampleFormat
_INK_SET, _CMYK = 332, 1
_SEPARATE = 2  # of the tag PlanarConfiguration
_MOST_CHANNELS = 64


def decode(page: Any, icc_profile: bytes | None) -> tuple[NDArray[Any], bytes | None, tuple[str, ...]]:
    """Return the pixels of a tifffile page, the profile that holds for them, and notes.

    Args:
        page: The page, in a compression that tifffile decodes.
        icc_profile: The profile of the file.

    Raises:
        ImageError: Its samples are damaged, or of a sort that is not read.
    """
    kind = page.photometric.name if hasattr(page.photometric, "name") else str(page.photometric)
    _check(page, kind)
    samples = _samples(page)
    colours = samples[..., : _COLOURS[kind]]
    extra = tuple(page.extrasamples)[: samples.shape[-1] - _COLOURS[kind]]
    where = next((index for index, use in enumerate(extra) if use in (_PREMULTIPLIED, _ALPHA)), None)
    notes: tuple[str, ...] = ()
    left_out = samples.shape[-1] - _COLOURS[kind] - (where is not None)
    if left_out:
        what = "a further channel" if left_out == 1 else f"{left_out} further channels"
        notes = (f"has {what} beside its colours and alpha, which {_is(left_out)} left out",)
    if not all(page.databytecounts):
        notes += ("has parts without content, which are black",)
    if kind == "PALETTE":
        colours = _palette(page)[samples[..., 0]]
    else:
        colours = _over_the_range(colours, page.bitspersample)
    alpha = None
    if where is not None:
        channel = _COLOURS[kind] + where
        alpha = _over_the_range(samples[..., channel : channel + 1], page.bitspersample)
        if extra[where] == _PREMULTIPLIED:
            colours = _divided(colours, alpha)
    if kind == "MINISWHITE":
        colours = np.iinfo(colours.dtype).max - colours
    if kind == "SEPARATED":
        colours, alpha, more = _without_ink(colours, alpha, icc_profile)
        icc_profile, notes = None, notes + more
    pixels = colours if alpha is None else np.concatenate([colours, alpha], axis=-1)
    if kind == "PALETTE" and icc_profile is None:  # a profile of palettes is for RGB
        pixels = without_colour(pixels)
    return pixels, icc_profile, notes


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _check(page: Any, kind: str) -> None:
    bits = page.bitspersample
    if not isinstance(bits, int) or page.sampleformat != _UNSIGNED or bits > 16:
        what = "" if page.dtype is None else f" ({page.dtype})"
        raise ImageError(
            f"holds {bits}-bit samples{what}; integers of up to 16 bits are read. Convert it first."
        )
    ink = kind == "SEPARATED" and page.tags.valueof(_INK_SET, _CMYK) != _CMYK
    if kind not in _COLOURS or ink or page.samplesperpixel < _COLOURS[kind]:
        raise ImageError(
            f"holds {kind} pixels, {page.samplesperpixel} samples of {bits} bit; grey, RGB, palettes and "
            "CMYK are read. Convert it first."
        )
    if page.samplesperpixel > _MOST_CHANNELS:
        raise ImageError(
            f"holds {page.samplesperpixel} channels; pictures of up to {_MOST_CHANNELS} are read."
        )


def _samples(page: Any) -> NDArray[Any]:
    """Integers ``[height, width, samples]`` as they lie in the file."""
    tifffile = require("tifffile", extra="image", feature="Reading TIFF files")
    name = getattr(page.compression, "name", str(page.compression))
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError:
        raise ImageError(f"is a TIFF with {name} compression, which is not read. Convert it first.") from None
    try:
        samples: NDArray[Any] = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == _SEPARATE:
            samples = np.moveaxis(samples, 0, -1)
        samples = samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    except Exception as error:  # each codec has its own
        reason = (str(error) or type(error).__name__).rstrip(".")
        how = "" if name == "NONE" else f" ({name} compression)"
        raise ImageError(
            f"is cut off or damaged, and its pixels{how} cannot be decoded: {reason}."
        ) from error
    return samples.astype(np.uint8) if samples.dtype == bool else samples


def _over_the_range(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Samples of any depth over the range of 8 bits, or of 16 where they have more."""
    if bits == samples.dtype.itemsize * 8:
        return samples
    if bits > 8:
        return sixteen_bit(samples, bits)
    most = (1 << bits) - 1
    return ((np.arange(most + 1) * 255 + most // 2) // most).astype(np.uint8)[samples]


def _palette(page: Any) -> NDArray[np.uint8]:
    """Colours ``[index, 3]``."""
    if page.colormap is None:
        raise ImageError("is damaged: a TIFF of palette colours without its palette.")
    colours: NDArray[Any] = np.asarray(page.colormap).T
    if colours.max() > 255:  # else by a writer that took them for numbers of 8 bits
        colours = colours >> 8
    if len(colours) < 1 << page.bitspersample:
        raise ImageError("is damaged: its palette has too few colours.")
    return colours.astype(np.uint8)


def _divided(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    most = np.iinfo(alpha.dtype).max
    straight = colours.astype(np.float32) * most / np.maximum(alpha, 1)
    return np.rint(np.minimum(straight, most)).astype(alpha.dtype)


def _without_ink(
    inks: NDArray[Any], alpha: NDArray[Any] | None, icc_profile: bytes | None
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]:
    """CMYK as sRGB of 8 bits."""
    pillow = require("PIL.Image", extra="image", feature="Reading CMYK pictures")
    notes: tuple[str, ...] = ()
    if inks.dtype == np.uint16:
        inks = np.rint(inks / 257).astype(np.uint8)
        alpha = None if alpha is None else np.rint(alpha / 257).astype(np.uint8)
        notes = ("holds CMYK pixels of 16 bits, which become RGB of 8",)
    image = pillow.fromarray(np.ascontiguousarray(inks), "CMYK")
    colours, more = cmyk_to_srgb(image, icc_profile)
    return colours, alpha, notes + more
