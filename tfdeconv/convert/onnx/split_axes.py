"""Reshape, Transpose and Reshape that move parts of the channels into space: a pixel shuffle.

With unknown sizes no layer computes the tensor between them, which has more axes than an image. It stays a
view of the image until the second Reshape tells what it is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import resizing


@dataclass(frozen=True, eq=False)
class SplitView:
    """An image with one axis seen as several.

    Attributes:
        image: The image.
        axis: The axis that is split.
        parts: The sizes that it is split into.
        axes: For each axis of the view which one it is, by its number before it was moved: those in front
            of the split axis, its parts, those behind.
    """

    image: Value
    axis: int
    parts: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.axes)

    @property
    def shape(self) -> tuple[int | UnknownSize, ...]:
        """The sizes, in the order of ``axes``."""
        sizes = self._unmoved
        return tuple(sizes[axis] for axis in self.axes)

    @property
    def _unmoved(self) -> list[int | UnknownSize]:
        known = self.image.shape
        return [*known[: self.axis], *self.parts, *known[self.axis + 1 :]]

    def permuted(self, perm: Sequence[int]) -> SplitView:
        """Return the view with axis ``perm[k]`` as its axis k."""
        return replace(self, axes=tuple(self.axes[axis] for axis in perm))

    @cached_property
    def tensor(self) -> Value:
        """The view as a tensor of its own; ConversionError where more than one size is unknown."""
        return shaping.permute(shaping.reshape(self.image, self._unmoved), self.axes)

    def merged(self, sizes: Sequence[Any], name: str | None) -> Value | None:
        """Return the pixel shuffle that a Reshape to ``sizes`` makes of the view; None where it is none."""
        groups = self._groups()
        if groups is None or len(groups) != len(sizes):
            return None
        if not all(self._is_product(*pair) for pair in zip(sizes, groups, strict=True)):
            return None
        channels = next(group for group in groups if self._part(group[0]) is not None)
        spatial = [group for group in groups[1:] if group is not channels]
        moved = [group[1] for group in spatial if len(group) == 2]
        if not moved or moved != sorted(moved):
            return None
        factors = [self.parts[group[1] - self.axis] if len(group) == 2 else 1 for group in spatial]
        order: Literal["dcr", "crd"] = "dcr" if channels[0] > moved[-1] else "crd"
        if order == "crd" and channels[0] > moved[0]:
            return None
        image = shaping.permute(self.image, [0, self.axis, *(self._source(group[0]) for group in spatial)])
        shuffled = image.through(resizing.pixel_shuffle(image.place(name), factors, order))
        back = [0, groups.index(channels), *(groups.index(group) for group in spatial)]
        return shaping.permute(shuffled, [back.index(axis) for axis in range(len(back))])

    def _groups(self) -> list[list[int]] | None:
        """The axes of the image that is made: the batch, channels, and space with the part behind it."""
        if self.axes[0] != 0 or not 3 <= self.image.rank <= 5:
            return None
        groups = [[0]]
        for axis in self.axes[1:]:
            behind = self._part(axis) is not None and groups[-1] != [0] and len(groups[-1]) == 1
            if behind and self._part(groups[-1][0]) is None:
                groups[-1].append(axis)
            else:
                groups.append([axis])
        alone = [group for group in groups if self._part(group[0]) is not None]
        return groups if len(alone) == 1 else None

    def _part(self, axis: int) -> int | None:
        number = axis - self.axis
        return number if 0 <= number < len(self.parts) else None

    def _source(self, axis: int) -> int:
        return axis if axis < self.axis else axis - len(self.parts) + 1

    def _is_product(self, size: Any, group: list[int]) -> bool:
        """Whether a size that is asked for is that of a group of axes."""
        if not isinstance(size, UnknownSize) and size == -1:
            return True
        if self._part(group[0]) is not None:
            return not isinstance(size, UnknownSize) and size == self.parts[group[0] - self.axis]
        axis = self._source(group[0])
        factor = self.parts[group[1] - self.axis] if len(group) == 2 else 1
        known = self.image.static_shape[axis]
        if known is not None:
            return not isinstance(size, UnknownSize) and size == known * factor
        return isinstance(size, UnknownSize) and (
            size.multiple_of(self.image, axis) == factor or (axis == 0 and size.is_batch)
        )


def split_view(image: Value, sizes: Sequence[Any]) -> SplitView | None:
    """Return the view of ``image`` that a Reshape to ``sizes`` makes, where it splits one axis."""
    count = len(sizes) - image.rank + 1
    if count < 2:
        return None
    for axis in range(1, image.rank):
        parts, known = list(sizes[axis : axis + count]), image.static_shape[axis]
        others = [*enumerate(sizes[:axis]), *enumerate(sizes[axis + count :], start=axis + 1)]
        if known is None or not all(isinstance(part, int) for part in parts):
            continue
        if not all(_is_size(size, image, other) for other, size in others):
            continue
        if -1 in parts:
            rest = -math.prod(parts)
            parts[parts.index(-1)] = known // rest if rest > 0 else 0
        if math.prod(parts) == known:
            return SplitView(image, axis, tuple(parts), tuple(range(len(sizes))))
    return None


def _is_size(size: Any, image: Value, axis: int) -> bool:
    if not isinstance(size, UnknownSize):
        return size in (-1, image.static_shape[axis])
    return size.is_size(image, axis) or (axis == 0 and size.is_batch)
