"""Tensors of another framework as Keras tensors whose axes may lie in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import keras

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
            UnknownSize(self, axis) if size is None else size for axis, size in enumerate(self.static_shape)
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


class UnknownSize:
    """A size that is unknown while the model is built, or a multiple of one.

    It may be passed on as it is; whoever needs the number is told how to give it.
    """

    def __init__(self, value: Value | None, axis: int = 0, factor: Fraction | int = 1) -> None:
        self.value, self.axis, self.factor = value, axis, Fraction(factor)

    def multiple_of(self, value: Value, axis: int) -> Fraction | None:
        """Return how many times the size of that axis this is; None where that cannot be told."""
        if self.value is None or self.value.tensor is not value.tensor:
            return None
        same = self.value.keras_axis(self.axis) == value.keras_axis(axis)
        return self.factor if same else None

    def is_size(self, value: Value, axis: int) -> bool:
        """Whether this is the size of that axis."""
        return self.multiple_of(value, axis) == 1

    def _times(self, factor: Any) -> UnknownSize:
        if self.value is None or isinstance(factor, UnknownSize):
            return UnknownSize(None)
        return UnknownSize(self.value, self.axis, self.factor * Fraction(factor))

    def __mul__(self, other: Any) -> UnknownSize:
        return self._times(other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> UnknownSize:
        if isinstance(other, UnknownSize) or (self.factor / Fraction(other)).denominator != 1:
            return UnknownSize(None)
        return self._times(1 / Fraction(other))

    def __truediv__(self, other: Any) -> UnknownSize:
        return UnknownSize(None) if isinstance(other, UnknownSize) else self._times(1 / Fraction(other))

    def __add__(self, other: Any) -> UnknownSize:
        if self.value is None or not isinstance(other, int):
            return UnknownSize(None)
        return self if other == 0 else ShiftedSize(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> UnknownSize:
        return self + -other

    def __rsub__(self, other: Any) -> UnknownSize:
        return -self + other

    def __neg__(self) -> UnknownSize:
        return self * -1

    def __mod__(self, other: Any) -> UnknownSize:
        if self.value is None or not isinstance(other, int) or other < 1 or self.factor != -1:
            return UnknownSize(None)
        return MissingToMultiple(-self, other)

    __rmod__ = __rfloordiv__ = __rtruediv__ = lambda *_: UnknownSize(None)

    def _needed(self, *_: Any) -> Any:
        raise ConversionError(
            "The computation depends on a size of the input that is unknown. Give the sizes: input_shape= of "
            "from_torch, or fixed dimensions of the ONNX model's input."
        )

    __int__ = __index__ = __float__ = __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _needed
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "?"


class ShiftedSize(UnknownSize):
    """An unknown size plus a number; where neither is told apart, a size of which nothing is known.

    Attributes:
        base: The size.
        shift: The number.

    Example:
        >>> size = UnknownSize(value_of_image(keras.Input([None, 3]), "channels_last"), axis=2)
        >>> (size + 5 - 2).shift
        3
    """

    def __init__(self, base: UnknownSize, shift: int) -> None:
        super().__init__(None)
        self.base, self.shift = base, shift

    def __add__(self, other: Any) -> UnknownSize:
        return self.base + (self.shift + other) if isinstance(other, int) else UnknownSize(None)

    __radd__ = __add__


class MissingToMultiple(UnknownSize):
    """How much is missing from an unknown size to the next multiple of a number: ``-size % multiple``.

    Attributes:
        base: The size.
        multiple: The number.

    Example:
        >>> size = UnknownSize(value_of_image(keras.Input([None, 3]), "channels_last"), axis=2)
        >>> (-size % 32).multiple
        32
    """

    def __init__(self, base: UnknownSize, multiple: int) -> None:
        super().__init__(None)
        self.base, self.multiple = base, multiple


Size: TypeAlias = "int | UnknownSize"
