"""What drawings are drawn on: a sheet with a finer grid than its pixels, colours, fonts and curves."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfdeconv.extras import require

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

SIDE = 512
"""Of every drawing, in pixels."""

_FAMILIES = (
    *("Sans", "Sans-Bold", "Sans-Oblique", "SansMono", "SansMono-Bold"),
    *("Serif", "Serif-Bold", "Serif-Italic"),
)


class Paper:
    """A sheet of one colour with a pen, ``fineness`` times as fine as its pixels along each axis.

    Coordinates and widths are given in pixels.

    Args:
        colour: Of the sheet.
        fineness: Subsamples of a pixel over which edges are averaged, as a scanner does; 1 leaves the
            smoothing to the pen, as on a screen.
    """

    def __init__(self, colour: Colour, *, fineness: int = 4) -> None:
        pillow = require("PIL.Image", extra="train", feature="Drawing")
        pen = require("PIL.ImageDraw", extra="train", feature="Drawing")
        self.fineness = fineness
        self._sheet = pillow.new("RGB", (SIDE * fineness, SIDE * fineness), colour)
        self._pen = pen.Draw(self._sheet)

    def _fine(self, points: Any) -> list[tuple[float, float]]:
        return [tuple(point) for point in np.asarray(points, np.float64).reshape(-1, 2) * self.fineness]

    def line(self, points: Any, colour: Colour, width: float) -> None:
        """Draw a line through ``points`` ``[n, 2]`` (x, y)."""
        self._pen.line(
            self._fine(points), fill=colour, width=max(1, round(width * self.fineness)), joint="curve"
        )

    def area(self, points: Any, colour: Colour) -> None:
        """Fill the polygon of ``points`` ``[n, 2]`` (x, y)."""
        self._pen.polygon(self._fine(points), fill=colour)

    def disc(self, centre: Any, radius: float, colour: Colour) -> None:
        """Fill a disc."""
        x, y = centre
        self._pen.ellipse(
            [side * self.fineness for side in (x - radius, y - radius, x + radius, y + radius)], fill=colour
        )

    def text(
        self,
        place: Any,
        words: str,
        colour: Colour,
        family: str,
        size: float,
        *,
        halo: Colour | None = None,
        anchor: str = "la",
    ) -> None:
        """Write ``words`` in a font; ``halo`` is the colour of a rim around the letters."""
        self._pen.text(
            tuple(np.asarray(place, np.float64) * self.fineness),
            words,
            fill=colour,
            font=font(family, max(6, round(size * self.fineness))),
            anchor=anchor,
            stroke_width=0 if halo is None else max(1, round(size * self.fineness / 9)),
            stroke_fill=halo,
        )

    def pixels(self) -> Image:
        """Return the sheet ``[512, 512, 3]`` uint8."""
        return np.asarray(self._sheet.reduce(self.fineness) if self.fineness > 1 else self._sheet)


@functools.lru_cache(maxsize=64)
def font(family: str, size: int) -> Any:
    """Return DejaVu ``family``, such as ``"Serif-Bold"``, at a size in pixels."""
    matplotlib = require("matplotlib", extra="train", feature="Drawing text")
    fonts = require("PIL.ImageFont", extra="train", feature="Drawing text")
    return fonts.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVu{family}.ttf",
        size,
        layout_engine=fonts.Layout.BASIC,
    )


def any_family(rng: np.random.Generator) -> str:
    """Return the name of a font for :func:`font`."""
    return str(rng.choice(_FAMILIES))


def any_colour(rng: np.random.Generator, least: int = 0, largest: int = 255) -> Colour:
    """Return a colour whose components lie between two levels; in half of the cases a grey."""
    components = rng.integers(least, largest + 1, 3)
    if rng.random() < 0.5:
        components[:] = components[0]
    return tuple(components.tolist())


def paper_and_ink(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return two colours of high contrast; the first is the light one three times in four."""
    light = (255, 255, 255) if rng.random() < 0.5 else any_colour(rng, 200, 255)
    dark = (0, 0, 0) if rng.random() < 0.5 else any_colour(rng, 0, 110)
    return (light, dark) if rng.random() < 0.75 else (dark, light)


def circle(angles: Floats) -> Floats:
    """Return points ``[..., 2]`` of the unit circle."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def rounded(points: Floats, *, closed: bool) -> Floats:
    """Cut the corners of a polygon or a line three times: nearly a quadratic spline.

    References:
        Chaikin, "An algorithm for high-speed curve generation" (1974).
    """
    for _ in range(3):
        following = np.roll(points, -1, axis=0)
        if not closed:
            points, following = points[:-1], following[:-1]
        cut = [0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following]
        points = np.stack(cut, axis=1).reshape(-1, 2)
    return points
