"""Alpha channels through an upscaling network: no fringes of colour, no haze in flat areas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bleed(colour: NDArray[np.float32], alpha: NDArray[np.float32], *, reach: int) -> NDArray[np.float32]:
    """Return colours that continue from the visible pixels into the invisible ones.

    What a picture stores under full transparency is arbitrary, often black, and a network that looks
    at it draws a fringe. So each invisible pixel takes the mean colour of its known neighbours, ring
    after ring.

    Args:
        colour: ``[height, width, channels]``.
        alpha: ``[height, width]``; 0 is invisible.
        reach: Rings to fill; beyond, colours stay.

    Example:
        >>> colour = np.array([[[0.5], [0.0], [0.0]]], np.float32)
        >>> bleed(colour, np.array([[1, 0, 0]], np.float32), reach=1)[..., 0]
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    known = alpha > 0
    if known.all() or not known.any():
        return colour
    filled = np.where(known[..., np.newaxis], colour, np.float32(0))
    for _ in range(reach):
        neighbours = _sum_3x3(known.astype(np.float32))
        ring = ~known & (neighbours > 0)
        if not ring.any():
            break
        filled[ring] = _sum_3x3(filled)[ring] / neighbours[ring][:, np.newaxis]
        known |= ring
    return np.where(known[..., np.newaxis], filled, colour)


def limit_to_neighbours(
    upscaled: NDArray[np.float32], alpha: NDArray[np.float32], scale: int
) -> NDArray[np.float32]:
    """Return an upscaled channel kept between the least and the greatest of the inputs around each pixel.

    Opaque stays opaque and invisible stays invisible: a network's small errors and overshoots would show
    as haze in flat areas of an alpha channel, and as a halo beside its edges. Around a pixel are the inputs
    between which it lies, and those beside the input on which it lies.

    Args:
        upscaled: ``[height * scale, width * scale]``.
        alpha: ``[height, width]``, before.
        scale: Upsampling factor.

    Example:
        >>> flat = np.ones([2, 2], np.float32)
        >>> limit_to_neighbours(np.full([4, 4], 0.99, np.float32), flat, 2).min()
        np.float32(1.0)
    """
    least, greatest = alpha, alpha
    for axis, size in enumerate(alpha.shape):
        # The centre of output q lies at input (2 q + 1 - scale) / (2 scale).
        numerator = 2 * np.arange(size * scale) + 1 - scale
        before = np.clip(-(-numerator // (2 * scale)) - 1, 0, size - 1)
        after = np.clip(numerator // (2 * scale) + 1, 0, size - 1)
        on = (before + after) // 2
        least = np.minimum.reduce([least.take(index, axis) for index in (before, on, after)])
        greatest = np.maximum.reduce([greatest.take(index, axis) for index in (before, on, after)])
    return np.clip(upscaled, least, greatest)


def _sum_3x3(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over each sample and its eight neighbours; nothing lies outside."""
    for axis in (0, 1):
        total = values.copy()
        forward = [slice(None)] * values.ndim
        backward = [slice(None)] * values.ndim
        forward[axis], backward[axis] = slice(1, None), slice(None, -1)
        total[tuple(forward)] += values[tuple(backward)]
        total[tuple(backward)] += values[tuple(forward)]
        values = total
    return values
