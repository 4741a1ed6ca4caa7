"""Sizes, strides and paddings as users give them: one value, or one for each spatial axis."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

from tfdeconv.errors import InvalidArgumentError

AxisPadding: TypeAlias = str | int | tuple[int, int]
"""Padding of one axis: "same", "valid", an int cropped from both ends, or (before, after)."""


def per_axis(name: str, value: Any, rank: int, *, minimum: int = 1) -> tuple[int, ...]:
    """Return ``value``, an int or one int for each of ``rank`` axes, as a tuple of ints >= ``minimum``.

    Example:
        >>> per_axis("strides", 2, rank=3)
        (2, 2, 2)
    """
    values = _entries(name, value, rank)
    if values is None:
        values = (value,) * rank
    return tuple(at_least(minimum, name, entry) for entry in values)


def int_or_ints(name: str, value: Any, *, minimum: int = 1) -> int | tuple[int, ...]:
    """Return ``value``, an int or one int for each axis, however many there are, as ints >= ``minimum``.

    Example:
        >>> int_or_ints("strides", [2, 3])
        (2, 3)
    """
    values = _sequence(value)
    if values is None:
        return at_least(minimum, name, value)
    return tuple(at_least(minimum, name, entry) for entry in values)


def axes_named(value: Any) -> int | None:
    """Return how many axes a sequence of sizes, an array of them or a shape names; None for an int.

    Example:
        >>> axes_named([2, 3]), axes_named(2)
        (2, None)
    """
    entries = _sequence(value)
    return None if entries is None else len(entries)


def spatial_rank(kernel_shape: Sequence[int]) -> int:
    """Return the number of spatial axes of a kernel, whose last two axes are channels.

    Raises:
        InvalidArgumentError: There are none, or more than three.

    Example:
        >>> spatial_rank((3, 3, 8, 16))
        2
    """
    rank = len(kernel_shape) - 2
    if rank not in (1, 2, 3):
        raise InvalidArgumentError(
            "kernel must have 1, 2 or 3 spatial axes, then two axes of channels; received shape "
            f"{tuple(kernel_shape)}."
        )
    return rank


def per_axis_padding(value: Any, rank: int) -> tuple[AxisPadding, ...]:
    """Return ``value`` as one padding for each of ``rank`` axes; names are lower-cased, pairs checked.

    Example:
        >>> per_axis_padding(1, rank=2)
        (1, 1)
        >>> per_axis_padding(((1, 2), 0), rank=2)
        ((1, 2), 0)
    """
    if isinstance(value, str):
        return (padding_name(value),) * rank
    entries = _entries("padding", value, rank)
    if entries is None:
        return (at_least(0, "padding", value),) * rank
    return tuple(map(samples_of_axis, entries))


def samples_of_axis(entry: Any) -> int | tuple[int, int]:
    """Return the padding in samples of one axis: an int at least 0, or a pair as in :func:`padding_pair`.

    Example:
        >>> samples_of_axis([1, -1])
        (1, -1)
    """
    pair = _sequence(entry)
    return at_least(0, "padding", entry) if pair is None else padding_pair(pair)


def padding_pair(pair: tuple[Any, ...]) -> tuple[int, int]:
    """Return ``(before, after)`` as ints; a negative second number enlarges the output.

    Example:
        >>> padding_pair((1, -1))
        (1, -1)
    """
    if len(pair) != 2:
        raise InvalidArgumentError(
            f"padding must hold an int or a (before, after) pair for each axis; received {pair}."
        )
    return at_least(0, "padding", pair[0]), integer("padding", pair[1])


def _entries(name: str, value: Any, rank: int) -> tuple[Any, ...] | None:
    """The entries of a sequence of ``rank``; None for a scalar."""
    entries = _sequence(value)
    if entries is not None and len(entries) != rank:
        pairs = " (before, after) pairs go inside one more pair of brackets." if name == "padding" else ""
        raise InvalidArgumentError(
            f"{name} must be one value or {rank}, one for each spatial axis; received {entries}.{pairs}"
        )
    return entries


def _sequence(value: Any) -> tuple[Any, ...] | None:
    """The entries of a sequence of any length; None for a scalar."""
    if isinstance(value, str | bytes):
        return None
    try:
        return tuple(value)
    except TypeError:  # an int; an array or tensor without axes, which iter() cannot tell from one with axes
        return None


def padding_name(padding: str) -> str:
    """Return the name of a padding of Keras's in lower case.

    Example:
        >>> padding_name("SAME")
        'same'
    """
    name = padding.lower()
    if name not in ("same", "valid"):
        raise InvalidArgumentError(
            f"padding must be 'same', 'valid', an int or (before, after) pairs; received {padding!r}."
        )
    return name


def integer(name: str, value: Any) -> int:
    """Return the argument called ``name`` as an int: NumPy's and TensorFlow's are fine, floats and texts not.

    Example:
        >>> integer("output_size", 8)
        8
    """
    try:
        return operator.index(value)
    except (TypeError, AttributeError):  # AttributeError: TensorFlow's eager tensors of floats
        raise InvalidArgumentError(f"{name} must be an int; received {value!r}.") from None


def at_least(minimum: int, name: str, value: Any) -> int:
    """Return the argument called ``name`` as an int.

    Raises:
        InvalidArgumentError: It is no int, or below ``minimum``.

    Example:
        >>> at_least(1, "filters", 8)
        8
    """
    number = integer(name, value)
    if number < minimum:
        raise InvalidArgumentError(f"{name} must be at least {minimum}; received {number}.")
    return number
