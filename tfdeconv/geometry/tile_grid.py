"""Where the tiles of one axis lie in every input and output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from tfdeconv.geometry.tiles import Span


class AxisTile(NamedTuple):
    """One tile along one axis; an entry for each input or output that has places.

    Attributes:
        inputs: What of each input the model sees.
        kept: Where in each whole output what is kept belongs.
        taken: Where in each output of the tile it is.
    """

    inputs: tuple[slice, ...]
    kept: tuple[slice, ...]
    taken: tuple[slice, ...]


def axis_tiles(
    spans: Sequence[Span],
    input_sizes: Sequence[int],
    output_sizes: Sequence[int],
    *,
    input_scales: Sequence[Fraction],
    output_scales: Sequence[Fraction],
) -> list[AxisTile]:
    """Return the tiles for the spans of the first input.

    Args:
        spans: Pieces of the first input's axis, from first to last.
        input_sizes: Samples of each input.
        output_sizes: Samples of each output.
        input_scales: Samples of each input for each one of the first.
        output_scales: Samples of each output for each sample of the first input.

    Example:
        >>> halves = [Span(0, 8, 0, 6), Span(4, 12, 6, 12)]
        >>> half = Fraction(1, 2)
        >>> for tile in axis_tiles(halves, [12], [6], input_scales=[half * 2], output_scales=[half]):
        ...     print(tile.inputs, tile.kept, tile.taken)
        (slice(0, 8, None),) (slice(0, 3, None),) (slice(0, 3, None),)
        (slice(4, 12, None),) (slice(3, 6, None),) (slice(1, 4, None),)
    """
    end = spans[-1].stop
    tiles = []
    for span in spans:
        missing = end - (span.stop - span.start)
        inputs, kept, taken = [], [], []
        for size, scale in zip(input_sizes, input_scales, strict=True):
            start = int(span.start * scale)
            inputs.append(slice(start, start + size - int(missing * scale)))
        for size, scale in zip(output_sizes, output_scales, strict=True):
            start = int(span.start * scale)
            first = math.floor(span.keep_start * scale)
            last = size if span.keep_stop == end else math.floor(span.keep_stop * scale)
            kept.append(slice(first, last))
            taken.append(slice(first - start, last - start))
        tiles.append(AxisTile(tuple(inputs), tuple(kept), tuple(taken)))
    return tiles
