"""Which of the networks that come with tfdeconv ``tfdeconv upscale`` uses, for each file."""

from __future__ import annotations

from typing import Any

import click

from tfdeconv.errors import InvalidArgumentError

CLEAN_ABOVE = 93.0
"""JPEG quality above which the networks for clean pictures do better on what is left (see the model card)."""


class QualityName(click.Choice):  # type: ignore[type-arg]  # generic since Click 8.2 only
    """``fast`` or ``fine``; a number, which the option took in earlier versions, gets a hint."""

    def __init__(self) -> None:
        super().__init__(["fast", "fine"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name, or fail."""
        if str(value).isdecimal():
            self.fail(
                f"must be fast or fine; received {value}. How well JPEG and WebP files are kept is "
                f"--file-quality {value}.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


def check_scale(scale: float, quality: Any, source: str) -> None:
    """Raise unless the networks reach ``scale``; ``auto`` does where those for clean pictures do."""
    from tfdeconv.zoo.pictures.upscaling import offered_factors, passes

    passes(scale, *offered_factors(quality, "jpeg" if source == "jpeg" else "clean"))


def source_of(jpeg_quality: float | None, scale: float, quality: Any, source: str) -> str:
    """Return ``"jpeg"`` or ``"clean"`` for one photograph.

    Args:
        jpeg_quality: What quality it was saved with as JPEG; None: it was not.
        scale: Factor of the side that grows most.
        quality: ``"fast"`` or ``"fine"``.
        source: ``"auto"`` decides by ``jpeg_quality``, and for ``"clean"`` where no network that repairs
            leads to ``scale``; others stay.
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
