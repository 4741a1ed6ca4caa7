"""Maps: land and water, contour lines, roads with rims, borders and names."""

from __future__ import annotations

import numpy as np

from tfdeconv.training.drawings.paper import (
    SIDE,
    Colour,
    Floats,
    Image,
    Paper,
    any_colour,
    any_family,
    circle,
    rounded,
)
from tfdeconv.training.drawings.text import words


def map_sheet(rng: np.random.Generator) -> Image:
    """Return a map ``[512, 512, 3]``."""
    paper = Paper(any_colour(rng, 200, 255))
    for _ in range(rng.integers(3, 12)):
        _terrain(paper, rng)
    _blocks(paper, rng)
    for width in sorted(rng.uniform(1, 9, rng.integers(4, 14))):
        _road(paper, rng, float(width))
    for _ in range(rng.integers(0, 4)):
        _border(paper, rng)
    for _ in range(rng.integers(5, 30)):
        _name(paper, rng)
    return paper.pixels()


def _coast(rng: np.random.Generator, centre: Floats, radius: float) -> Floats:
    """A closed line with bays of several sizes ``[160, 2]``."""
    angles = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    reach = np.ones_like(angles)
    for frequency in range(2, 14):
        reach += rng.normal(0, 0.25 / frequency) * np.sin(frequency * angles + rng.uniform(0, 2 * np.pi))
    return centre + circle(angles) * radius * reach[:, np.newaxis]


def _terrain(paper: Paper, rng: np.random.Generator) -> None:
    """An area of one colour with a thin rim, or contour lines inside one another."""
    centre, radius = rng.uniform(0, SIDE, 2), rng.uniform(30, 200)
    coast = _coast(rng, centre, radius)
    if rng.random() < 0.5:
        paper.area(coast, any_colour(rng, 130, 255))
        paper.line(np.vstack([coast, coast[:1]]), any_colour(rng, 40, 180), rng.uniform(0.5, 2))
        return
    colour, width = any_colour(rng, 90, 200), rng.uniform(0.5, 1.5)
    for shrink in np.arange(1.0, 0.05, -rng.uniform(0.03, 0.12)):
        line = centre + (coast - centre) * shrink + rng.normal(0, 0.3, 2)
        paper.line(np.vstack([line, line[:1]]), colour, width)


def _blocks(paper: Paper, rng: np.random.Generator) -> None:
    """Houses in rows along a turned grid."""
    turn = circle(rng.uniform(0, np.pi / 2) + np.array([0, np.pi / 2]))
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    start, colour, rim = rng.uniform(0, SIDE, 2), any_colour(rng, 120, 220), any_colour(rng, 40, 140)
    for row in range(rng.integers(2, 9)):
        for column in range(rng.integers(2, 9)):
            house = (corners * rng.uniform(5, 16, 2) + np.array([column, row]) * 20) @ turn + start
            paper.area(house, colour)
            paper.line(np.vstack([house, house[:1]]), rim, 0.8)


def _course(rng: np.random.Generator) -> Floats:
    """A winding line across the sheet."""
    ends = rng.uniform(-60, SIDE + 60, [2, 2])
    steps = np.linspace(0, 1, rng.integers(3, 8))[:, np.newaxis]
    return rounded(ends[0] + (ends[1] - ends[0]) * steps + rng.normal(0, 35, [len(steps), 2]), closed=False)


def _road(paper: Paper, rng: np.random.Generator, width: float) -> None:
    """A line with a darker rim; some are railways, with sleepers."""
    course = _course(rng)
    rim: Colour = any_colour(rng, 30, 170)
    paper.line(course, rim, width + rng.uniform(1, 2.5))
    paper.line(course, any_colour(rng, 170, 255), width)
    if rng.random() < 0.2:
        paper.line(course, rim, 1.0)
        steps = np.diff(course, axis=0)
        lengths = np.hypot(*steps.T)
        for point, step, length in zip(course[:-1:2], steps[::2], lengths[::2], strict=True):
            if length > 0:
                across = np.array([-step[1], step[0]]) / length * (width / 2 + 2)
                paper.line([point - across, point + across], rim, 1.0)


def _border(paper: Paper, rng: np.random.Generator) -> None:
    """A dashed line."""
    course, colour, width = _course(rng), any_colour(rng, 0, 160), rng.uniform(1, 3)
    for first in range(0, len(course) - 2, 3):
        paper.line(course[first : first + 2], colour, width)


def _name(paper: Paper, rng: np.random.Generator) -> None:
    """A name, most with a light rim around its letters, and a dot for the place."""
    place, size = rng.uniform(-20, SIDE, 2), float(np.exp(rng.uniform(np.log(8), np.log(30))))
    ink = any_colour(rng, 0, 120)
    halo = any_colour(rng, 225, 255) if rng.random() < 0.6 else None
    paper.text(place, words(rng, int(rng.integers(1, 3))), ink, any_family(rng), size, halo=halo)
    if rng.random() < 0.5:
        paper.disc(place - 5, size / 6 + 1, ink)
