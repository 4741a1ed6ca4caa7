"""Read TIFF with 16 bits a sample, which Pillow reduces to 8 in colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv._extras import require
from tfdeconv.errors import ImageError

_COLOURS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3}
_PREMULTIPLIED, _ALPHA = 1, 2  # values of the tag ExtraSamples


def decode_deep_tiff(path: Path) -> NDArray[np.uint16]:
    """Decode a 16-bit TIFF to ``[height, width, channels]``, alpha not premultiplied.

    Raises:
        ImageError: Its samples are not 16-bit integers, or neither grey nor RGB.
    """
    tifffile = require("tifffile", extra="image", feature="Reading 16-bit TIFF files")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        if page.dtype != np.uint16 or page.bitspersample != 16:
            raise ImageError(
                f"holds {page.bitspersample}-bit samples ({page.dtype}); 8-bit and 16-bit integers are read. "
                "Convert it first."
            )
        if page.photometric.name not in _COLOURS:
            raise ImageError(f"holds {page.photometric.name} pixels in 16 bits; grey and RGB are read.")
        pixels = page.asarray()
        if pixels.ndim == 3 and page.planarconfig.name == "SEPARATE":
            pixels = np.moveaxis(pixels, 0, -1)
        extra = tuple(page.extrasamples)
        kind = page.photometric.name
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
