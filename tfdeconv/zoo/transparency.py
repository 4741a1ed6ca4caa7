"""Alpha channels through an upscaling network: no fringes of colour, no haze in flat areas."""

from __future__ import annotations

from typing import Any

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
    """Return an upscaled channel kept between the least and the greatest input around each pixel.

    Opaque stays opaque and invisible stays invisible: a network's small errors and overshoots would show
    as haze in flat areas of an alpha channel.

    Args:
        upscaled: ``[height * scale, width * scale]``.
        alpha: ``[height, width]``, before.
        scale: Upsampling factor.

    Example:
        >>> flat = np.ones([2, 2], np.float32)
        >>> limit_to_neighbours(np.full([4, 4], 0.99, np.float32), flat, 2).min()
        np.float32(1.0)
    """
    around = np.lib.stride_tricks.sliding_window_view(np.pad(alpha, 1, mode="edge"), (3, 3))
    least, greatest = around.min(axis=(-2, -1)), around.max(axis=(-2, -1))
    return np.clip(upscaled, _enlarged(least, scale), _enlarged(greatest, scale))


def _enlarged(values: NDArray[Any], scale: int) -> NDArray[Any]:
    return values.repeat(scale, axis=0).repeat(scale, axis=1)


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
