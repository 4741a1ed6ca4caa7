"""Pictures as they come back from JPEG: once or twice, at the qualities that people meet."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from tfdeconv.extras import require

Image = npt.NDArray[np.uint8]

QUALITIES = (30, 90)
"""Least and largest quality of :func:`hurt_by_jpeg`, on the scale of the Independent JPEG Group."""

_BLOCK = 8
_SUBSAMPLINGS = ("4:4:4", "4:2:0")


def through_jpeg(image: Image, quality: int, subsampling: str = "4:2:0") -> Image:
    """Return ``image`` encoded as JPEG and decoded again.

    Args:
        image: ``[height, width, 3]`` RGB, uint8.
        quality: 1 to 100, on the scale of the Independent JPEG Group.
        subsampling: Of chroma: ``"4:4:4"``, ``"4:2:2"`` or ``"4:2:0"``.

    Returns:
        ``[height, width, 3]`` uint8.

    Example:
        >>> through_jpeg(np.full((5, 9, 3), 77, np.uint8), 40).shape
        (5, 9, 3)
    """
    pillow = require("PIL.Image", extra="train", feature="Compressing photographs")
    file = io.BytesIO()
    pillow.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling)
    with pillow.open(file) as decoded:
        return np.asarray(decoded)


def hurt_by_jpeg(image: Image, rng: np.random.Generator) -> Image:
    """Return ``image`` after JPEG at a random quality, in half of the cases twice.

    The quality is drawn from :data:`QUALITIES`, chroma is subsampled or not. Pictures that are saved twice
    were often cropped in between, so the blocks of the first pass lie anywhere.

    Args:
        image: ``[height, width, 3]`` RGB, uint8.
        rng: Decides.

    Returns:
        ``[height, width, 3]`` uint8.

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
        >>> bool((hurt_by_jpeg(noise, np.random.default_rng(0)) != noise).any())
        True
    """
    top, left = rng.integers(_BLOCK, size=2)
    if rng.random() < 0.5:
        padded = np.pad(image, [(top, 0), (left, 0), (0, 0)], mode="edge")
        image = _once(padded, rng)[top:, left:]
    return _once(image, rng)


def _once(image: Image, rng: np.random.Generator) -> Image:
    least, largest = QUALITIES
    quality = int(rng.integers(least, largest + 1))
    return through_jpeg(np.ascontiguousarray(image), quality, str(rng.choice(_SUBSAMPLINGS)))
