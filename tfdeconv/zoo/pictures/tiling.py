"""Cut a picture into overlapping pieces whose upscaled middles join without a seam."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tfdeconv.errors import InvalidArgumentError


@dataclass(frozen=True)
class Span:
    """One piece along one axis, in samples of the picture.

    Attributes:
        start: First sample that the network sees.
        stop: One past the last sample that the network sees.
        keep_start: First sample whose output is kept.
        keep_stop: One past the last sample whose output is kept.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Tile:
    """One piece of a picture."""

    rows: Span
    columns: Span

    @property
    def kept_pixels(self) -> int:
        """Pixels of the picture whose output comes from this tile."""
        rows, columns = self.rows, self.columns
        return (rows.keep_stop - rows.keep_start) * (columns.keep_stop - columns.keep_start)


def tiles(height: int, width: int, *, tile: int, context: int) -> list[Tile]:
    """Return the tiles of a picture, row by row; what they keep covers it exactly once.

    All tiles of a picture have the same size: at the borders they are moved inwards, not cut, so that a
    network sees one shape (one compilation, batches on a server) and pads at the picture's own borders
    only. Where a tile ends inside the picture, at least ``context`` samples lie between that end and what
    is kept; with the receptive radius of the network as ``context``, the result is that of the whole picture.

    Args:
        height: Height of the picture.
        width: Width of the picture.
        tile: Largest side of a tile, context included.
        context: Samples needed around each kept sample.

    Raises:
        InvalidArgumentError: ``tile`` leaves nothing to keep beside the context.

    Example:
        >>> for piece in tiles(5, 12, tile=8, context=2):
        ...     print(piece.rows, piece.columns)
        Span(start=0, stop=5, keep_start=0, keep_stop=5) Span(start=0, stop=8, keep_start=0, keep_stop=6)
        Span(start=0, stop=5, keep_start=0, keep_stop=5) Span(start=4, stop=12, keep_start=6, keep_stop=12)
    """
    if tile <= 2 * context:
        raise InvalidArgumentError(
            f"tile must be above {2 * context}, twice the {context} pixels around each output that the "
            f"network sees; received {tile}. {max(256, 4 * context)} is a good choice."
        )
    rows = list(_spans(height, tile, context))
    columns = list(_spans(width, tile, context))
    return [Tile(row, column) for row in rows for column in columns]


def _spans(size: int, tile: int, context: int) -> Iterator[Span]:
    """Pieces of one axis: as few as possible, all of one length, evenly spread, cut in mid-overlap."""
    if size <= tile:
        yield Span(0, size, 0, size)
        return
    count = -(-(size - 2 * context) // (tile - 2 * context))
    length = -(-(size - 2 * context) // count) + 2 * context
    starts = [index * (size - length) // (count - 1) for index in range(count)]
    middles = [(start + before + length) // 2 for before, start in pairwise(starts)]
    for start, (keep_start, keep_stop) in zip(starts, pairwise([0, *middles, size]), strict=True):
        yield Span(start, start + length, keep_start, keep_stop)
