"""How large a picture is to become: by a factor, or to a size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tfdeconv.errors import InvalidArgumentError

DEFAULT_SCALE = 2.0


@dataclass(frozen=True)
class TargetSize:
    """What ``--scale``, ``--width``, ``--height`` and ``--fit`` say together.

    Attributes:
        scale: Factor; None where a size is asked for.
        width: Width in pixels; None for what the other side and the picture's shape make it.
        height: Height in pixels; the same.
        fits: Whether ``width`` and ``height`` are the box that the picture fills without leaving it, rather
            than its size.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fits: bool = False

    @property
    def options(self) -> str:
        """The options that ask for a size."""
        if self.fits:
            return "--fit"
        named = {"--width": self.width, "--height": self.height}
        return " and ".join(name for name, side in named.items() if side is not None) or "--scale"

    def of(self, height: int, width: int) -> tuple[int, int] | None:
        """Return height and width of what becomes of a picture; None where the factor says it.

        Example:
            >>> TargetSize(width=100).of(40, 80), TargetSize(width=90, height=90, fits=True).of(40, 80)
            ((50, 100), (45, 90))
        """
        if self.scale is not None:
            return None
        by_width = None if self.width is None else self.width / width
        by_height = None if self.height is None else self.height / height
        if self.fits and by_width is not None and by_height is not None:
            if by_width < by_height:
                by_height = None
            else:
                by_width = None
        one = by_width if by_width is not None else by_height
        assert one is not None
        return (
            self.height if by_height is not None and self.height else max(1, int(height * one + 0.5)),
            self.width if by_width is not None and self.width else max(1, int(width * one + 0.5)),
        )


def target_size(scale: float | None, width: int | None, height: int | None, fit: str | None) -> TargetSize:
    """Return what the options mean; the default is a factor of 2.

    Raises:
        InvalidArgumentError: They contradict each other, or ``fit`` is no size.

    Example:
        >>> target_size(None, None, None, "1920x1080")
        TargetSize(scale=None, width=1920, height=1080, fits=True)
    """
    given: dict[str, Any] = {"--scale": scale, "--width": width, "--height": height, "--fit": fit}
    used = [name for name, value in given.items() if value is not None]
    if len(used) > 1 and used != ["--width", "--height"]:
        raise InvalidArgumentError(f"{' and '.join(used)} exclude each other. Give one of them.")
    if fit is not None:
        match = re.fullmatch(r"(\d*)x(\d*)", fit.strip().lower())
        sides = [int(side) if side else None for side in match.groups()] if match else [None, None]
        if sides == [None, None] or 0 in sides:
            raise InvalidArgumentError(
                f"--fit must be WIDTHxHEIGHT, such as 1920x1080, 1920x or x1080; received {fit!r}."
            )
        return TargetSize(width=sides[0], height=sides[1], fits=True)
    if width is not None or height is not None:
        return TargetSize(width=width, height=height)
    return TargetSize(scale=DEFAULT_SCALE if scale is None else scale)
