"""From a picture enlarged by a whole factor to the size that was asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.extras import require
from tfdeconv.geometry import Span
from tfdeconv.zoo.pictures.tiling import Tile
from tfdeconv.zoo.pictures.unit_range import from_unit, to_unit

_FILTER_SUPPORT = 2  # of the bicubic filter, in pixels of the result


class Reduction:
    """Places enlarged tiles in a result of another size.

    Args:
        before: Height and width before enlarging.
        after: Height and width of the result, between ``before`` and ``scale`` times that.
        scale: The whole factor by which tiles are enlarged.

    Attributes:
        context: Pixels, before enlarging, that a tile needs around what is kept of it. 0 where the result
            has exactly the enlarged size.
    """

    def __init__(self, before: tuple[int, ...], after: tuple[int, int], scale: int) -> None:
        self._before = before
        self._after = after
        self._scale = scale
        self._whole = all(scale * b == a for b, a in zip(before, after, strict=True))
        smallest_factor = min(a / b for b, a in zip(before, after, strict=True))
        # one pixel of the result more, because the edges of what is kept are rounded to its pixels
        self.context = 0 if self._whole else math.ceil((_FILTER_SUPPORT + 1) / smallest_factor)

    def place(self, tile: Tile, enlarged: NDArray[np.float32]) -> tuple[slice, slice, NDArray[np.float32]]:
        """Return the rows and columns of the result that a tile covers, and their values."""
        rows, top, bottom = self._axis(tile.rows, 0)
        columns, left, right = self._axis(tile.columns, 1)
        if self._whole:
            return rows, columns, enlarged[int(top) : int(bottom), int(left) : int(right)]
        size = (columns.stop - columns.start, rows.stop - rows.start)
        return rows, columns, _resample(enlarged, (left, top, right, bottom), size)

    def _axis(self, span: Span, axis: int) -> tuple[slice, float, float]:
        """Samples of the result, and where they begin and end in the enlarged tile."""
        first, last = (
            edge * self._after[axis] // self._before[axis] for edge in (span.keep_start, span.keep_stop)
        )
        ratio = self._scale * self._before[axis] / self._after[axis]
        offset = self._scale * span.start
        return slice(first, last), first * ratio - offset, last * ratio - offset


def reduced(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return a picture reduced to ``size`` (height, width), sides that keep their size included.

    Alpha is the weight of its colour, so that what lies under invisible pixels does not matter.

    Args:
        pixels: ``[height, width, channels]`` as :func:`tfdeconv.zoo.upscale` takes it.
        size: Height and width of the result, at most those of ``pixels``.

    Example:
        >>> reduced(np.full([4, 6, 1], 7, np.uint8), (2, 3))[..., 0].tolist()
        [[7, 7, 7], [7, 7, 7]]
    """
    height, width = pixels.shape[:2]
    if size == (height, width):
        return pixels
    values = to_unit(pixels)
    box, target = (0.0, 0.0, float(width), float(height)), (size[1], size[0])
    if pixels.shape[-1] not in (2, 4):
        return from_unit(_resample(values, box, target), pixels.dtype)
    alpha = values[..., -1:]
    weighted = _resample(np.concatenate([values[..., :-1] * alpha, alpha], axis=-1), box, target)
    weights = np.clip(weighted[..., -1:], 0, 1)
    colour = np.where(weights > 0, weighted[..., :-1] / np.maximum(weights, np.float32(1e-6)), 0)
    return from_unit(np.concatenate([colour, weights], axis=-1, dtype=np.float32), pixels.dtype)


def _resample(
    values: NDArray[np.float32], box: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Reduce the part ``box`` (left, top, right, bottom) of ``values`` to ``size`` (width, height).

    Pillow's filters take samples outside the box where there are some, so tiles agree at their seams.
    """
    pillow = require("PIL.Image", extra="image", feature="Upscaling to a size in between")
    channels = []
    for channel in np.moveaxis(values, -1, 0):
        image = pillow.fromarray(np.ascontiguousarray(channel))
        channels.append(np.asarray(image.resize(size, pillow.Resampling.BICUBIC, box=box)))
    return np.stack(channels, axis=-1)
