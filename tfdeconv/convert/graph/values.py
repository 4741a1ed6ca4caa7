"""Tensors of another framework as Keras tensors whose axes may lie in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

Order: TypeAlias = tuple[int, ...]
"""For every axis of the Keras tensor the axis of the source that it holds."""


def image_order(rank: int, data_format: str) -> Order:
    """Return how layers hold a tensor of batch, channels and spatial axes.

    Example:
        >>> image_order(4, "channels_last")
        (0, 2, 3, 1)
    """
    if rank < 3 or data_format == "channels_first":
        return tuple(range(rank))
    return (0, *range(2, rank), 1)


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the source.

    Attributes:
        tensor: The Keras tensor that holds it.
        order: Which axis of the source each of its axes is.
        data_format: The layout of the model that is built.
    """

    tensor: Any
    order: Order
    data_format: str

    @property
    def rank(self) -> int:
        """The number of axes, the batch included."""
        return len(self.order)

    @property
    def dtype(self) -> str:
        """The type of the elements."""
        return str(self.tensor.dtype)

    @property
    def static_shape(self) -> tuple[int | None, ...]:
        """The sizes in the source's order; None where unknown."""
        return tuple(self.tensor.shape[self.order.index(axis)] for axis in range(self.rank))

    @property
    def shape(self) -> tuple[int | UnknownSize, ...]:
        """The sizes in the source's order."""
        return tuple(
            UnknownSize.of(self, axis) if size is None else size
            for axis, size in enumerate(self.static_shape)
        )

    def keras_axis(self, axis: int) -> int:
        """Return where the Keras tensor holds an axis of the source; negative ones count from the end."""
        if not -self.rank <= axis < self.rank:
            raise ConversionError(f"Axis {axis} is none of a tensor of {self.rank} axes.")
        return self.order.index(axis % self.rank)

    def ordered(self, order: Sequence[int]) -> Any:
        """Return the Keras tensor with its axes in ``order``."""
        order = tuple(order)
        if order == self.order:
            return self.tensor
        permutation = [self.order.index(axis) for axis in order]
        if permutation[0] != 0:
            return keras.ops.transpose(self.tensor, permutation)
        return keras.layers.Permute(permutation[1:], dtype=self.dtype)(self.tensor)

    def plain(self) -> Any:
        """Return the Keras tensor with its axes as in the source."""
        return self.ordered(range(self.rank))

    def image(self) -> Any:
        """Return the Keras tensor as layers of the model's layout take it."""
        return self.ordered(image_order(self.rank, self.data_format))

    def with_tensor(self, tensor: Any) -> Value:
        """Return a value whose axes lie like this one's."""
        return Value(tensor, self.order, self.data_format)

    def place(self, name: str | None = None) -> Place:
        """Return where a layer of this value stands."""
        shape = self.static_shape
        return Place(self.data_format, self.rank - 2, shape[2:], self.dtype, name)

    def through(self, steps: Sequence[Step]) -> Value:
        """Return this value after steps that take and give a tensor in the layout of the model."""
        tensor = self.image()
        for step in steps:
            tensor = step(tensor)
        rank = len(tensor.shape)
        return Value(tensor, image_order(rank, self.data_format), self.data_format)

    def everywhere(self, steps: Sequence[Step]) -> Value:
        """Return this value after steps that treat all elements alike, in whatever order they lie."""
        tensor = self.tensor
        for step in steps:
            tensor = step(tensor)
        return self.with_tensor(tensor)


def value_of_image(tensor: Any, data_format: str) -> Value:
    """Return the value that a Keras tensor in the layout of the model stands for."""
    return Value(tensor, image_order(len(tensor.shape), data_format), data_format)
