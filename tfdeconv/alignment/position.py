"""What is known about the way from a tensor's samples to those of a later tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tfdeconv.geometry import CoordinateMap
from tfdeconv.keras_reading import Everywhere, Maps


@dataclass(frozen=True)
class Refusal:
    """There is no single map; ``reason`` is the sentence that an error shows."""

    reason: str


Position: TypeAlias = Maps | Everywhere | Refusal


def compose(then: Position, first: Position) -> Position:
    """Return the position after ``first`` and then ``then``.

    What went through global pooling has lost its place whatever else happened to it.
    """
    if isinstance(then, Everywhere) or isinstance(first, Everywhere):
        return Everywhere()
    if isinstance(then, Refusal):
        return then
    if isinstance(first, Refusal):
        return first
    if len(then) != len(first):
        return Refusal(f"The number of spatial axes changes from {len(first)} to {len(then)}.")
    return tuple(map(CoordinateMap.after, then, first))
