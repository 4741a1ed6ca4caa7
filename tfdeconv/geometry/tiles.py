"""Cutting one axis into overlapping pieces whose kept middles join without a seam."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from tfdeconv.errors import InvalidArgumentError


class Span(NamedTuple):
    """One piece along one axis, in samples of the input.

    Attributes:
        start: First sample that the model sees.
        stop: One past the last sample that the model sees.
        keep_start: First sample whose outputs are kept.
        keep_stop: One past the last sample whose outputs are kept.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def smallest_tile(before: int, after: int, stride: int) -> int:
    """Return the smallest tile that suffices for every size.

    Example:
        >>> smallest_tile(8, 8, 1)
        17
    """
    return before + after + 2 * stride - 1


def spans(size: int, *, tile: int, before: int, after: int, stride: int = 1) -> list[Span]:
    """Return the pieces of an axis; what they keep covers it exactly once.

    All pieces have one length: at the ends of the axis they are moved inwards, not cut, so that the model
    sees one shape. They start at multiples of ``stride``, and their length differs from ``size`` by one, so
    that every strided layer sees the phase that it has in the whole. Where a piece ends inside the axis, its
    outer ``before`` or ``after`` samples are not kept.

    Args:
        size: Samples of the whole axis.
        tile: Longest piece, context included.
        before: Samples at a piece's start whose outputs may differ from those of the whole.
        after: Samples at a piece's end whose outputs may differ from those of the whole.
        stride: Common multiple of the strides inside the model, in samples of the axis.

    Raises:
        InvalidArgumentError: ``tile`` leaves nothing to keep.

    Example:
        >>> for span in spans(12, tile=8, before=2, after=2):
        ...     print(span)
        Span(start=0, stop=8, keep_start=0, keep_stop=6)
        Span(start=4, stop=12, keep_start=6, keep_stop=12)
        >>> [(span.start, span.stop) for span in spans(45, tile=25, before=3, after=2, stride=4)]
        [(0, 25), (20, 45)]
    """
    if size <= tile:
        return [Span(0, size, 0, size)]
    steps = (size - tile + stride - 1) // stride  # from the first piece to the last, in strides
    length = size - steps * stride
    reach = (length - before - after) // stride  # from one piece to the next, in strides
    if reach < 1:
        raise InvalidArgumentError(
            f"tile must be at least {smallest_tile(before, after, stride)} for every size: {before} + "
            f"{after} samples at its ends are context, and it moves in steps of {stride}; received {tile}."
        )
    gaps = -(-steps // reach)
    # as short as that number of pieces allows: gaps * reach == steps then
    while gaps * (reach - 1) >= steps + 1:
        steps, reach = steps + 1, reach - 1
    length = size - steps * stride
    starts = [index * steps // gaps * stride for index in range(gaps + 1)]
    cuts = [(start + before + last + length - after) // 2 for last, start in pairwise(starts)]
    return [
        Span(start, start + length, keep_start, keep_stop)
        for start, (keep_start, keep_stop) in zip(starts, pairwise([0, *cuts, size]), strict=True)
    ]
