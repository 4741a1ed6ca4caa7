"""A procedural segmentation set: anti-aliased, overlapping shapes over photographic textures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError

Array: TypeAlias = npt.NDArray[np.float64]
Texture: TypeAlias = npt.NDArray[np.uint8]

CLASSES = ("background", "disc", "box", "triangle", "ring", "cross")
"""Names of the classes, in the order of their labels."""


@dataclass(frozen=True)
class Scenes:
    """Pictures and their labels.

    Attributes:
        images: ``[count, size, size, 3]``, float32 in [0, 1].
        labels: ``[count, size, size]``, uint8 indices into :data:`CLASSES`.
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


def draw_scenes(
    textures: Sequence[Texture],
    count: int,
    *,
    size: int = 96,
    shapes: tuple[int, int] = (3, 7),
    seed: int = 0,
) -> Scenes:
    """Return ``count`` scenes; the same arguments give the same scenes.

    A scene is a crop of a texture with shapes of random kind, place, size and angle on it, each filled
    with a tinted crop of another texture. Edges blend over one pixel; a pixel has the label of the
    topmost shape that covers at least half of it.

    Args:
        textures: RGB pictures ``[height, width, 3]`` uint8, at least ``size`` pixels high and wide.
        count: Number of scenes, at least 1.
        size: Height and width of a scene, in pixels.
        shapes: Fewest and most shapes of a scene.
        seed: Seed of all random choices.

    Raises:
        InvalidArgumentError: There is no texture, or one is too small.

    Example:
        >>> grey = np.full([64, 64, 3], 128, np.uint8)
        >>> scenes = draw_scenes([grey], 2, size=48)
        >>> scenes.images.shape, scenes.labels.shape
        ((2, 48, 48, 3), (2, 48, 48))
    """
    if not textures or any(min(texture.shape[:2]) < size for texture in textures):
        raise InvalidArgumentError(
            f"textures must hold pictures of at least {size} x {size} pixels; received "
            f"{[texture.shape for texture in textures]}."
        )
    rng = np.random.default_rng(seed)
    drawn = [_draw(rng, textures, size, shapes) for _ in range(count)]
    images, labels = zip(*drawn, strict=True)
    return Scenes(np.stack(images).astype(np.float32), np.stack(labels))


def _draw(
    rng: np.random.Generator, textures: Sequence[Texture], size: int, shapes: tuple[int, int]
) -> tuple[Array, npt.NDArray[np.uint8]]:
    image = _crop(rng, textures, size)
    labels = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(shapes[0], shapes[1] + 1)):
        label = int(rng.integers(1, len(CLASSES)))
        cover = _cover(rng, DISTANCES[label - 1], size)
        tint = rng.uniform(0.0, 1.0, 3)
        fill = 0.55 * tint + 0.45 * _crop(rng, textures, size)
        image = image + cover[..., None] * (fill - image)
        labels[cover >= 0.5] = label
    return np.clip(image, 0.0, 1.0), labels


def _crop(rng: np.random.Generator, textures: Sequence[Texture], size: int) -> Array:
    texture = textures[int(rng.integers(len(textures)))]
    top, left = (rng.integers(0, extent - size + 1) for extent in texture.shape[:2])
    crop = texture[top : top + size, left : left + size] / 255.0
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _cover(rng: np.random.Generator, distance: Callable[[Array, Array, float], Array], size: int) -> Array:
    """How much of every pixel one randomly placed shape covers."""
    radius = rng.uniform(0.1, 0.24) * size
    row, column = rng.uniform(0.1, 0.9, 2) * size
    angle = rng.uniform(0.0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] + 0.5
    u = np.cos(angle) * (x - column) + np.sin(angle) * (y - row)
    v = np.cos(angle) * (y - row) - np.sin(angle) * (x - column)
    return np.clip(0.5 - distance(u, v, radius), 0.0, 1.0)


def _disc(u: Array, v: Array, radius: float) -> Array:
    return np.hypot(u, v) - radius


def _box(u: Array, v: Array, radius: float) -> Array:
    return _rectangle(u, v, 0.9 * radius, 0.9 * radius)


def _rectangle(u: Array, v: Array, half_width: float, half_height: float) -> Array:
    right, below = np.abs(u) - half_width, np.abs(v) - half_height
    outside = np.hypot(np.maximum(right, 0), np.maximum(below, 0))
    return outside + np.minimum(np.maximum(right, below), 0)


def _triangle(u: Array, v: Array, radius: float) -> Array:
    sides = [np.cos(a) * u + np.sin(a) * v for a in (np.pi / 2, np.pi * 7 / 6, np.pi * 11 / 6)]
    return np.maximum.reduce(sides) - 0.65 * radius


def _ring(u: Array, v: Array, radius: float) -> Array:
    return np.abs(np.hypot(u, v) - 0.8 * radius) - 0.28 * radius


def _cross(u: Array, v: Array, radius: float) -> Array:
    thin = 0.32 * radius
    return np.minimum(_rectangle(u, v, 1.1 * radius, thin), _rectangle(u, v, thin, 1.1 * radius))


DISTANCES = (_disc, _box, _triangle, _ring, _cross)
"""Signed distance to the edge, in pixels (negative inside), for each class after the background."""
