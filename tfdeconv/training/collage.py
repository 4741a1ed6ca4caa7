"""Collages: shapes cut from photographs and laid over one another.

Sharp edges of high contrast and thin lines are what a small network enlarges worst, and a handful of
photographs holds few of them. Shapes that cover one another with a size distribution of natural scenes have
plenty ("dead leaves").

References:
    Lee, Mumford and Huang, "Occlusion models for natural images" (2001): why such pictures have the
    statistics of photographs. Achddou, Gousseau and Ladjal, "Synthetic images as a regularity prior for
    image restoration neural networks" (2021): networks trained on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tfdeconv.extras import require
from tfdeconv.training.drawings.paper import SIDE, Floats, Image, circle, rounded

COLLAGE_SIDE = SIDE
"""Of every collage, in pixels."""

_SHAPES = (10, 110)
_RADII = (6.0, 180.0)
_LINE_WIDTHS = (1.2, 10.0)
_SUBSAMPLES = 4
"""Of a pixel along each axis, over which edges are averaged as a sensor does."""


def collages(photographs: Sequence[Image], count: int, *, seed: int = 0) -> Iterator[Image]:
    """Yield collages of the photographs; the same ones for the same arguments.

    Args:
        photographs: ``[height, width, 3]`` uint8 each. A small one is continued by mirroring.
        count: How many.
        seed: Of shapes, places and colours.

    Yields:
        ``[512, 512, 3]`` uint8.

    Example:
        >>> next(collages([np.zeros((9, 9, 3), np.uint8)], 1)).shape
        (512, 512, 3)
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        canvas = _cutting(photographs, (COLLAGE_SIDE, COLLAGE_SIDE), rng)
        for _ in range(rng.integers(*_SHAPES)):
            _lay(canvas, photographs, rng)
        yield np.clip(canvas + 0.5, 0, 255).astype(np.uint8)


def _lay(canvas: Floats, photographs: Sequence[Image], rng: np.random.Generator) -> None:
    """Cover a part of the canvas by one shape, or by a few parallel lines."""
    points, width = _outline(rng)
    reach = 1 + (width or 0) / 2
    start = np.clip(np.floor(points.min(axis=0) - reach).astype(int), 0, COLLAGE_SIDE)
    stop = np.clip(np.ceil(points.max(axis=0) + reach).astype(int), 0, COLLAGE_SIDE)
    if (stop <= start).any():
        return
    (columns, rows), box = stop - start, np.s_[start[1] : stop[1], start[0] : stop[0]]
    opacity = _opacity(points - start, width, (rows, columns))[..., np.newaxis]
    fill = _nearly_flat if rng.random() < 0.5 else _cutting
    canvas[box] += opacity * (fill(photographs, (rows, columns), rng) - canvas[box])


def _outline(rng: np.random.Generator) -> tuple[Floats, float | None]:
    """Points ``[points, 2]`` (x, y) of a shape somewhere on the canvas; or of a line, with its width."""
    smallest, largest = _RADII
    if rng.random() < 0.6:  # as many of a size as are seen of it in a photograph: falling with its cube
        radius = rng.uniform(largest**-2, smallest**-2) ** -0.5
    else:
        radius = float(np.exp(rng.uniform(*np.log(_RADII))))
    centre = rng.uniform(0, COLLAGE_SIDE, 2)
    kind = rng.random()
    if kind < 0.35:  # a polygon, in two of three cases rounded
        count = rng.integers(3, 9)
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        corners = centre + circle(angles) * radius * rng.uniform(0.4, 1, [count, 1])
        return (rounded(corners, closed=True) if rng.random() < 0.7 else corners), None
    if kind < 0.5:  # an ellipse
        turn = circle(rng.uniform(0, np.pi) + np.array([0, np.pi / 2]))
        axes = radius * rng.uniform(0.3, 1, 2)
        return centre + circle(np.linspace(0, 2 * np.pi, 80)) * axes @ turn, None
    steps = rng.normal(0, 0.7 * max(radius, 15.0), [rng.integers(2, 6), 2])
    width = float(np.exp(rng.uniform(*np.log(_LINE_WIDTHS))))
    return rounded(centre + np.cumsum(steps, axis=0), closed=False), width


def _opacity(points: Floats, width: float | None, size: tuple[int, int]) -> Floats:
    """How much of each pixel of ``[rows, columns]`` the shape covers, 0 to 1."""
    pillow = require("PIL.Image", extra="train", feature="Making collages")
    draw = require("PIL.ImageDraw", extra="train", feature="Making collages")
    rows, columns = size
    mask = pillow.new("L", (columns * _SUBSAMPLES, rows * _SUBSAMPLES))
    corners = [tuple(point) for point in points * _SUBSAMPLES]
    if width is None:
        draw.Draw(mask).polygon(corners, fill=255)
    else:
        draw.Draw(mask).line(corners, fill=255, width=round(width * _SUBSAMPLES), joint="curve")
    return np.asarray(mask.reduce(_SUBSAMPLES), np.float64) / 255


def _cutting(photographs: Sequence[Image], size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A part of a photograph ``[rows, columns, 3]``, now and then as a negative."""
    photograph = photographs[int(rng.integers(len(photographs)))]
    rows, columns = size
    top = rng.integers(max(1, photograph.shape[0] - rows + 1))
    left = rng.integers(max(1, photograph.shape[1] - columns + 1))
    part = photograph[top : top + rows, left : left + columns]
    missing = [(0, rows - part.shape[0]), (0, columns - part.shape[1]), (0, 0)]
    pixels: Floats = np.pad(part, missing, mode="symmetric").astype(np.float64)
    return 255 - pixels if rng.random() < 0.3 else pixels


def _nearly_flat(photographs: Sequence[Image], size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A colour from a photograph, a gradient and a trace of texture: ``[rows, columns, 3]``."""
    texture = _cutting(photographs, size, rng)
    colour = texture[rng.integers(size[0]), rng.integers(size[1])]
    colour = np.clip(127.5 + (colour - 127.5) * rng.uniform(1, 2), 0, 255)
    down, right = rng.normal(0, 8 / COLLAGE_SIDE, 2)
    gradient = down * np.arange(size[0])[:, np.newaxis] + right * np.arange(size[1])
    trace = (texture - texture.mean(axis=(0, 1))) * rng.uniform(0, 0.15)
    return np.clip(colour + gradient[..., np.newaxis] + trace, 0, 255)
