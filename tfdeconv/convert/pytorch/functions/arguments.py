"""Arguments of PyTorch's functions: constants, and one number for each axis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments


def constant(tensor: Any, what: str) -> Any:
    """Return the array of a weight.

    Raises:
        ConversionError: It is computed from the input.
    """
    if isinstance(tensor, Value):
        raise ConversionError(f"computes its {what} from the input; only layers with fixed weights convert.")
    return None if tensor is None else as_array(tensor)


def keep_dtype(function: str, value: Value, dtype: Any) -> None:
    """Refuse a type of the result that is not that of ``value``."""
    if dtype is not None and str(dtype).removeprefix("torch.") != value.dtype:
        raise ConversionError(
            f"calls {function} of {value.dtype} with dtype={dtype}; cast the tensor instead."
        )


def per_axis(name: str, value: Any, rank: int, minimum: int = 1) -> tuple[int, ...]:
    """Return one number for each spatial axis."""
    value = [int(number) for number in value] if isinstance(value, Iterable) else int(value)
    return axis_arguments.per_axis(name, value, rank, minimum=minimum)
