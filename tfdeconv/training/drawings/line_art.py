"""Line art: pen strokes, outlines, hatching and flat areas, as in comics, plans and diagrams."""

from __future__ import annotations

import numpy as np

from tfdeconv.training.drawings.paper import (
    SIDE,
    Colour,
    Floats,
    Image,
    Paper,
    any_colour,
    circle,
    paper_and_ink,
    rounded,
)


def line_art(rng: np.random.Generator) -> Image:
    """Return a drawing ``[512, 512, 3]`` of outlines, some filled or hatched, and of loose strokes."""
    sheet, ink = paper_and_ink(rng)
    paper = Paper(sheet)
    coloured = rng.random() < 0.5
    width = float(np.exp(rng.uniform(np.log(0.7), np.log(5))))
    for _ in range(rng.integers(15, 70)):
        stroke = width * rng.uniform(0.6, 1.4)
        kind = rng.random()
        if kind < 0.55:
            _figure(paper, rng, ink, stroke, any_colour(rng) if coloured else sheet)
        elif kind < 0.8:
            steps = np.cumsum(rng.normal(0, 50, [rng.integers(3, 9), 2]), axis=0)
            paper.line(rounded(steps + rng.uniform(0, SIDE, 2), closed=False), ink, stroke)
        else:
            _rays(paper, rng, ink, stroke)
    return paper.pixels()


def _outline(rng: np.random.Generator) -> Floats:
    """A closed outline somewhere: round, with corners, or with a wavy rim."""
    centre, radius = rng.uniform(0, SIDE, 2), float(np.exp(rng.uniform(np.log(8), np.log(110))))
    kind = rng.random()
    if kind < 0.35:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        corners = centre + circle(angles) * radius * rng.uniform(0.5, 1, [len(angles), 1])
        return rounded(corners, closed=True) if rng.random() < 0.5 else corners
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    if kind < 0.7:
        turn = circle(rng.uniform(0, np.pi) + np.array([0, np.pi / 2]))
        return centre + circle(angles) * (radius * rng.uniform(0.3, 1, 2)) @ turn
    wave = 1 + rng.uniform(0.05, 0.3) * np.sin(angles * rng.integers(3, 14) + rng.uniform(0, 6))
    return centre + circle(angles) * radius * wave[:, np.newaxis]


def _figure(paper: Paper, rng: np.random.Generator, ink: Colour, stroke: float, fill: Colour) -> None:
    """An outline that hides what lies below; three in ten are hatched with lines or dots."""
    outline = _outline(rng)
    paper.area(outline, fill)
    if rng.random() < 0.3:
        _hatch(paper, rng, ink, stroke * 0.6, outline)
    paper.line(np.vstack([outline, outline[:1]]), ink, stroke)


def _hatch(paper: Paper, rng: np.random.Generator, ink: Colour, stroke: float, outline: Floats) -> None:
    """Parallel lines within the ellipse that the outline's spread suggests, or a screen of dots."""
    centre, reach = outline.mean(axis=0), 0.6 * outline.std(axis=0).min() * 2
    spacing = max(2.0, stroke * rng.uniform(2, 5))
    along = circle(np.array(rng.uniform(0, np.pi)))
    across = np.array([-along[1], along[0]])
    dots = rng.random() < 0.3
    for offset in np.arange(-reach, reach, spacing):
        half = np.sqrt(max(0.0, reach**2 - offset**2))
        middle = centre + across * offset
        if dots:
            for position in np.arange(-half, half, spacing):
                paper.disc(middle + along * position, spacing / 4, ink)
        else:
            paper.line([middle - along * half, middle + along * half], ink, stroke)


def _rays(paper: Paper, rng: np.random.Generator, ink: Colour, stroke: float) -> None:
    """Straight lines from a point, or an even grid of them."""
    centre = rng.uniform(0, SIDE, 2)
    if rng.random() < 0.5:
        for angle in np.linspace(0, 2 * np.pi, rng.integers(6, 40), endpoint=False):
            ray = circle(np.array(angle))
            paper.line([centre + 8 * ray, centre + rng.uniform(30, 90) * ray], ink, stroke * 0.6)
        return
    spacing, count = rng.uniform(3, 14), int(rng.integers(3, 14))
    along = circle(np.array(rng.uniform(0, np.pi)))
    across = np.array([-along[1], along[0]])
    for index in range(count):
        middle = centre + across * index * spacing
        paper.line([middle - 60 * along, middle + 60 * along], ink, stroke * 0.6)
