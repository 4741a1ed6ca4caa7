"""The tiles of a picture for an upscaling network."""

from __future__ import annotations

from dataclasses import dataclass

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Span, spans


@dataclass(frozen=True)
class Tile:
    """One piece of a picture."""

    rows: Span
    columns: Span


def tiles(height: int, width: int, *, tile: int, context: int, stride: int = 1) -> list[Tile]:
    """Return the tiles of a picture, row by row; what they keep covers it exactly once.

    They are those of :func:`tfdeconv.geometry.spans` along both axes; with the halo of the network as
    ``context``, the result is that of the whole picture.

    Args:
        height: Height of the picture.
        width: Width of the picture.
        tile: Largest side of a tile, context included.
        context: Samples needed around each kept sample.
        stride: Multiple at which tiles may start.

    Raises:
        InvalidArgumentError: ``tile`` leaves nothing to keep beside the context.

    Example:
        >>> for piece in tiles(5, 12, tile=8, context=2):
        ...     print(piece.rows, piece.columns)
        Span(start=0, stop=5, keep_start=0, keep_stop=5) Span(start=0, stop=8, keep_start=0, keep_stop=6)
        Span(start=0, stop=5, keep_start=0, keep_stop=5) Span(start=4, stop=12, keep_start=6, keep_stop=12)
    """
    used = 2 * context + 2 * (stride - 1)
    if tile <= used:
        raise InvalidArgumentError(
            f"tile must be above {used}, twice the {context} pixels around each output that the "
            f"network sees{f' and its stride of {stride}' if stride > 1 else ''}; received {tile}. "
            f"{max(256, 4 * context)} is a good choice."
        )
    rows, columns = (
        spans(size, tile=tile, before=context, after=context, stride=stride) for size in (height, width)
    )
    return [Tile(row, column) for row in rows for column in columns]
