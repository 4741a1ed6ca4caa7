"""Upscale pictures of any size, tile by tile."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.pictures.reduction import Reduction, reduced
from tfdeconv.zoo.pictures.tile_network import Batch, TileNetwork, default_network
from tfdeconv.zoo.pictures.tiling import Tile, tiles
from tfdeconv.zoo.pictures.transparency import bleed, limit_to_neighbours
from tfdeconv.zoo.pictures.unit_range import check_pixels, from_unit, to_unit
from tfdeconv.zoo.upscalers.upscaler_model import SCALES, Quality, Source, check_choice

Progress: TypeAlias = Callable[[int, int], object]
"""Called with the pixels written so far and in all."""

DEFAULT_TILE = 320
"""Larger tiles gain 5 % of speed at most; smaller ones lose more."""

_MOST_PASSES = 2


def upscale(
    image: ArrayLike,
    scale: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    quality: Quality = "fast",
    source: Source = "clean",
    network: TileNetwork | None = None,
    tile: int = DEFAULT_TILE,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Enlarge a picture with the networks that come with tfdeconv, or with another one.

    The picture goes through the network in overlapping tiles; the result is that of the whole picture at
    once (floats agree within 1e-5), and the memory needed beside the two pictures is set by ``tile``. A
    scale that the network does not have is reached by enlarging further, in two passes if need be, and
    reducing to size with a bicubic filter (Pillow's, which is widened against aliasing). An alpha channel is
    enlarged by itself: opaque and invisible areas stay so, and what colours lie under invisible pixels does
    not matter.

    Args:
        image: ``[height, width]`` or ``[height, width, channels]``: 1 channel is grey, 2 grey and alpha,
            3 RGB, 4 RGB and alpha (not premultiplied). uint8, uint16, or floats in [0, 1].
        scale: Factor for both sides, above 1; up to 16 with the default networks. Sizes are rounded.
        size: Height and width of the result, instead of ``scale``. A side that gets smaller, or both, is
            reduced by the same filter; no network takes part in that.
        quality: ``"fast"``, or ``"fine"``, which is better and takes longer.
        source: ``"clean"``, or ``"jpeg"`` for pictures whose compression shows: the first pass repairs it.
        network: What enlarges the tiles, for example ``LocalNetwork(model, 2)``; ``quality`` and ``source``
            then do not matter. None: the luma networks that come with tfdeconv.
        tile: Largest side of the pieces that the network sees, in pixels of ``image``.
        progress: Called with the pixels written so far and in all.

    Returns:
        The enlarged picture, with the type and the channels of ``image``.

    Raises:
        InvalidArgumentError: An argument breaks one of these rules.
        MissingExtraError: A scale in between needs Pillow, from the ``image`` extra.

    Example:
        >>> upscale(np.zeros([6, 8, 3], np.uint8), 2).shape
        (12, 16, 3)
        >>> upscale(np.zeros([6, 8], np.uint16), 1.5).shape
        (9, 12)
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[-1] <= 4) or not pixels.size:
        raise InvalidArgumentError(
            "image must be [height, width] or [height, width, channels] with 1 to 4 channels, and have "
            f"pixels; received shape {list(pixels.shape)}."
        )
    check_pixels(pixels)
    result = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    if network is None:
        check_choice(quality, source)
    available = SCALES if network is None else (network.scale,)
    target = _target(result.shape[:2], scale, size, available)
    result = reduced(result, (min(result.shape[0], target[0]), min(result.shape[1], target[1])))
    before = result.shape[:2]
    if scale is None:
        scale = max(after / side for after, side in zip(target, before, strict=True))
        if scale == 1:
            return result if pixels.ndim == 3 else result[..., 0]
    factors = passes(scale, available)
    sizes = _sizes(before, target, factors)
    report = _Report(progress, total=sum(height * width for height, width in sizes))
    for factor, size in zip(factors, sizes, strict=True):
        one = network or default_network(factor, quality=quality, source=source)
        result = _pass(result, size, one, tile, report)
        source = "clean"  # for what the first pass leaves
    return result if pixels.ndim == 3 else result[..., 0]


def output_size(size: int, scale: float) -> int:
    """Return the size of a side after upscaling: ``size * scale``, rounded.

    Example:
        >>> output_size(333, 1.5)
        500
    """
    return max(1, math.floor(size * scale + 0.5))


def _reach(factors: tuple[int, ...]) -> int:
    """The largest factor of all passes together."""
    return int(max(factors) ** _MOST_PASSES)


def passes(scale: float, factors: tuple[int, ...] = SCALES) -> tuple[int, ...]:
    """Return the factors to enlarge by, one after the other; their product is ``scale`` or a little more.

    Args:
        scale: Factor asked for.
        factors: That a pass can have; default: those of the networks that come with tfdeconv.

    Raises:
        InvalidArgumentError: ``scale`` is not above 1, or out of reach.

    Example:
        >>> passes(2), passes(2.5), passes(5), passes(3, (2,))
        ((2,), (3,), (3, 2), (2, 2))
    """
    offered = sorted(factors, reverse=True)
    largest = _reach(factors)
    if not 1 < scale <= largest:
        raise InvalidArgumentError(f"scale must be above 1 and at most {largest}; received {scale:g}.")
    for count in range(1, _MOST_PASSES + 1):
        chains = itertools.product(offered, repeat=count)
        sufficient = [chain for chain in chains if math.prod(chain) >= scale]
        if sufficient:
            return min(sufficient, key=math.prod)
    raise AssertionError("unreachable: the largest chain reaches the largest scale")


class _Report:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, pixels: int) -> None:
        self._done += pixels
        if self._progress is not None:
            self._progress(self._done, self._total)


def _target(
    before: tuple[int, ...],
    scale: float | None,
    size: tuple[int, int] | None,
    factors: tuple[int, ...],
) -> tuple[int, int]:
    """Height and width that are asked for, where they can be reached."""
    if scale is not None and size is None:
        passes(scale, factors)  # raises where there is no way
        return output_size(before[0], scale), output_size(before[1], scale)
    if size is None or scale is not None:
        raise InvalidArgumentError(f"scale or size must be given, not both; received {scale} and {size}.")
    largest = _reach(factors)
    if min(size) < 1 or any(after > largest * side for after, side in zip(size, before, strict=True)):
        raise InvalidArgumentError(
            f"size must be at least 1x1 and at most {largest} times the picture's, {before[1]}x{before[0]}; "
            f"received {size[1]}x{size[0]}."
        )
    return size


def _sizes(
    before: tuple[int, ...], after: tuple[int, int], factors: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Height and width after each pass; the last one goes to the size asked for, none beyond it."""
    products = itertools.accumulate(factors[:-1], int.__mul__)
    between = [tuple(min(product * b, a) for b, a in zip(before, after, strict=True)) for product in products]
    return [*((height, width) for height, width in between), after]


def _pass(
    pixels: NDArray[Any], size: tuple[int, int], network: TileNetwork, tile: int, report: _Report
) -> NDArray[Any]:
    """Enlarge ``[height, width, channels]`` by the network's factor, then reduce to ``size``."""
    reduction = Reduction(pixels.shape[:2], size, network.scale)
    has_alpha = pixels.shape[-1] in (2, 4)
    reach = network.context + 1 if has_alpha else 0
    context = network.context + reach + reduction.context
    result = np.empty((*size, pixels.shape[-1]), pixels.dtype)
    pieces = tiles(*pixels.shape[:2], tile=tile, context=context, stride=network.stride)

    def seen(piece: Tile) -> NDArray[np.float32]:
        return to_unit(pixels[piece.rows.start : piece.rows.stop, piece.columns.start : piece.columns.stop])

    batches: Iterator[Batch] = (_network_input(seen(piece), has_alpha, reach) for piece in pieces)
    for piece, output in zip(pieces, network.run(batches), strict=True):
        wide = np.asarray(output, np.float32)  # networks of mixed precision give half
        enlarged = _network_output(wide, seen(piece), has_alpha, network.scale)
        rows, columns, kept = reduction.place(piece, enlarged)
        result[rows, columns] = from_unit(kept, pixels.dtype)
        report.add((rows.stop - rows.start) * (columns.stop - columns.start))
    return result


def _network_input(seen: NDArray[np.float32], has_alpha: bool, reach: int) -> Batch:
    """RGB of a tile, and its alpha as a second grey picture where it is not flat: ``[1 or 2, h, w, 3]``."""
    if not has_alpha:
        return _as_rgb(seen)[np.newaxis]
    colour, alpha = seen[..., :-1], seen[..., -1:]
    colour = _as_rgb(bleed(colour, alpha[..., 0], reach=reach))
    if alpha.min() == alpha.max():
        return colour[np.newaxis]
    return np.stack([colour, _as_rgb(alpha)])


def _as_rgb(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    return colour if colour.shape[-1] == 3 else np.repeat(colour, 3, axis=-1)


def _network_output(
    output: Batch, seen: NDArray[np.float32], has_alpha: bool, scale: int
) -> NDArray[np.float32]:
    """The tile ``[h * scale, w * scale, channels]`` from what the network made of it."""
    colours = seen.shape[-1] - has_alpha
    colour = output[0, ..., :colours]
    if not has_alpha:
        return colour
    alpha = seen[..., -1]
    if len(output) == 1:
        enlarged = np.full(colour.shape[:2], alpha[0, 0], np.float32)
    else:
        enlarged = limit_to_neighbours(output[1, ..., 0], alpha, scale)
    return np.concatenate([colour, enlarged[..., np.newaxis]], axis=-1)
