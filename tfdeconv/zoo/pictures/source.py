"""What a photograph went through, told from the quality that its file was saved with."""

from __future__ import annotations

from typing import Literal

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.pictures.upscaling import offered_factors, passes
from tfdeconv.zoo.upscalers.upscaler_model import Quality, Source

CLEAN_ABOVE = 94.0
"""JPEG quality above which the networks for clean pictures do better on what is left (see the model card)."""


def check_scale(scale: float, quality: Quality, source: Source | Literal["auto"]) -> None:
    """Raise unless the networks reach ``scale``; for ``"auto"``, those for clean pictures.

    Raises:
        InvalidArgumentError: ``scale`` is out of reach, or no such network comes with tfdeconv.

    Example:
        >>> check_scale(16, "fast", "auto")
    """
    passes(scale, *offered_factors(quality, "jpeg" if source == "jpeg" else "clean"))


def source_of(
    jpeg_quality: float | None, scale: float, quality: Quality, source: Source | Literal["auto"]
) -> Source:
    """Return what the networks for one photograph shall be for.

    Args:
        jpeg_quality: What quality it was saved with as JPEG; None: it was not.
        scale: Factor of the side that grows most.
        quality: Of the networks.
        source: ``"auto"`` decides by ``jpeg_quality``, and for ``"clean"`` where no network that repairs
            leads to ``scale``; others stay.

    Example:
        >>> source_of(40, 2, "fast", "auto"), source_of(97, 2, "fast", "auto")
        ('jpeg', 'clean')
    """
    if source != "auto":
        return source
    if jpeg_quality is None or jpeg_quality > CLEAN_ABOVE:
        return "clean"
    try:
        check_scale(scale, quality, "jpeg")
    except InvalidArgumentError:
        return "clean"
    return "jpeg"
