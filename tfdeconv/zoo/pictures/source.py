"""What a photograph went through, told from the quality that its file was saved with."""

from __future__ import annotations

from typing import Literal

from tfdeconv.zoo.upscalers.upscaler_model import Source

CLEAN_ABOVE = 94.0
"""JPEG quality above which the networks for clean pictures do better on what is left (see the model card)."""


def source_of(jpeg_quality: float | None, source: Source | Literal["auto"]) -> Source:
    """Return what the networks for one photograph shall be for.

    Args:
        jpeg_quality: What quality it was saved with as JPEG; None: it was not.
        source: ``"auto"`` decides by ``jpeg_quality``; others stay.

    Example:
        >>> source_of(40, "auto"), source_of(97, "auto"), source_of(40, "clean")
        ('jpeg', 'clean', 'clean')
    """
    if source != "auto":
        return source
    return "clean" if jpeg_quality is None or jpeg_quality > CLEAN_ABOVE else "jpeg"
