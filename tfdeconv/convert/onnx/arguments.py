"""Inputs and attributes of ONNX operators: constants, one number for each axis, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph.values import Value
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments


def constant(array: Any, what: str) -> Any:
    """Return a constant input.

    Raises:
        ConversionError: It is missing, or computed by another node.
    """
    if array is None or isinstance(array, Value):
        raise ConversionError(
            f"needs a constant {what}. For a node on its own give it in initializers={{name: array}}."
        )
    return np.asarray(array)


def optional(array: Any, what: str) -> Any:
    """Return a constant input; None where it is left out."""
    return None if array is None else constant(array, what)


def only(what: str, value: Any, *allowed: Any) -> None:
    """Raise ConversionError where ``value`` is none of those that have an exact layer."""
    if value not in allowed:
        raise ConversionError(
            f"has {what}={value!r}; only {' and '.join(map(repr, allowed))} has an exact layer."
        )


def per_axis(name: str, value: Any, rank: int, default: int) -> tuple[int, ...]:
    """Return one number for each spatial axis."""
    return axis_arguments.per_axis(name, default if value is None else value, rank, minimum=0)


def pairs(pads: Any, rank: int) -> list[tuple[int, int]]:
    """Return (before, after) of each axis from the attribute pads: all begins, then all ends."""
    pads = [0] * (2 * rank) if pads is None else list(pads)
    if len(pads) != 2 * rank:
        raise ConversionError(
            f"needs pads for both ends: pads must hold {2 * rank} numbers; received {pads}."
        )
    return list(zip(pads[:rank], pads[rank:], strict=True))


def known_number(value: Any) -> int:
    """Return a size as an int.

    Raises:
        ConversionError: It is unknown.
    """
    if isinstance(value, UnknownSize):
        raise ConversionError("depends on a size of the input that is unknown. Give the input fixed sizes.")
    return int(value)
