"""PyTorch's reductions, by its parameters."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import keras

from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.pytorch.functions.arguments import keep_dtype
from tfdeconv.convert.pytorch.functions.shapes import listed
from tfdeconv.errors import ConversionError

Named = str | None
Extreme = namedtuple("Extreme", ["values", "indices"])


def _axes(dim: Any) -> list[int] | None:
    return None if dim is None or dim in ([], ()) else listed(dim, ())


def _counted(value: Value) -> Value:
    """Whole numbers and truth values as PyTorch sums them: in int64."""
    if keras.backend.is_float_dtype(value.dtype):
        return value
    return value.everywhere([lambda x: keras.ops.cast(x, "int64")])


def _reduction(kind: str) -> Callable[..., Value]:
    def function(
        name: Named, input: Value, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
    ) -> Value:
        keep_dtype(kind, input, dtype)
        input = _counted(input) if kind in ("sum", "prod") else input
        return shaping.reduce(input, kind, _axes(dim), keepdims=keepdim)

    return function


def _extreme(kind: str, arg: Callable[..., Any], combined: str) -> Callable[..., Any]:
    def function(
        name: Named, input: Value, dim: Any = None, keepdim: bool = False, *, other: Any = None
    ) -> Any:
        other = dim if isinstance(dim, Value) else other
        if isinstance(other, Value):
            return combining.combine(combined, input, other, name)
        if dim is None:
            return shaping.reduce(input, kind, None, keepdims=False)
        found = shaping.reduce(input, kind, [dim], keepdims=keepdim)
        return Extreme(found, shaping.arg(input, arg, dim, keepdims=keepdim))

    return function


def _arg(operation: Callable[..., Any]) -> Callable[..., Value]:
    def function(name: Named, input: Value, dim: int | None = None, keepdim: bool = False) -> Value:
        if dim is None:
            raise ConversionError("argmax and argmin without dim compare the whole batch; name the axis.")
        return shaping.arg(input, operation, dim, keepdims=keepdim)

    return function


def variance_and_mean(
    name: Named,
    input: Value,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Value, Value]:
    """``torch.var_mean``; what is divided by is the number of samples less ``correction``."""
    less = (1 if unbiased else 0) if correction is None else correction
    axes = _axes(dim)
    mean = shaping.reduce(input, "mean", axes, keepdims=True)
    square = combining.combine("sub", input, mean).everywhere([keras.ops.square])
    if less == 0:
        variance = shaping.reduce(square, "mean", axes, keepdims=keepdim)
    else:
        ones = input.with_tensor(keras.ops.ones_like(input.tensor))
        count = shaping.reduce(ones, "sum", axes, keepdims=keepdim)
        total = shaping.reduce(square, "sum", axes, keepdims=keepdim)
        freedom = combining.combine("maximum", combining.combine("sub", count, less), 0)
        variance = combining.combine("div", total, freedom)
    return variance, mean if keepdim else shaping.reduce(input, "mean", axes, keepdims=False)


def var(name: Named, input: Value, *args: Any, **kwargs: Any) -> Value:
    """``torch.var``."""
    return variance_and_mean(name, input, *args, **kwargs)[0]


def std(name: Named, input: Value, *args: Any, **kwargs: Any) -> Value:
    """``torch.std``."""
    return var(name, input, *args, **kwargs).everywhere([keras.ops.sqrt])


def std_mean(name: Named, input: Value, *args: Any, **kwargs: Any) -> tuple[Value, Value]:
    """``torch.std_mean``."""
    variance, mean = variance_and_mean(name, input, *args, **kwargs)
    return variance.everywhere([keras.ops.sqrt]), mean


def norm(
    name: Named, input: Value, p: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Value:
    """``torch.norm`` and ``torch.linalg.vector_norm`` of first and second order and of the largest."""
    keep_dtype("norm", input, dtype)
    axes = _axes(dim)
    sizes = input.everywhere([keras.ops.abs])
    if p in (2, "fro", None):
        square = input.everywhere([keras.ops.square])
        return shaping.reduce(square, "sum", axes, keepdims=keepdim).everywhere([keras.ops.sqrt])
    if p == 1:
        return shaping.reduce(sizes, "sum", axes, keepdims=keepdim)
    if p == float("inf"):
        return shaping.reduce(sizes, "amax", axes, keepdims=keepdim)
    raise ConversionError(f"norm has p={p!r}; only 1, 2 and inf have a layer.")


def cumsum(name: Named, input: Value, dim: int, *, dtype: Any = None) -> Value:
    """``torch.cumsum``."""
    keep_dtype("cumsum", input, dtype)
    if dim % input.rank == 0:
        raise ConversionError("cumsum along the batch axis mixes pictures; it has no layer.")
    input = _counted(input)
    return input.with_tensor(keras.ops.cumsum(input.tensor, axis=input.keras_axis(dim)))


VALUES: dict[str, Callable[..., Any]] = {
    **{kind: _reduction(kind) for kind in ("mean", "sum", "amax", "amin", "prod")},
    "max": _extreme("amax", keras.ops.argmax, "maximum"),
    "min": _extreme("amin", keras.ops.argmin, "minimum"),
    "argmax": _arg(keras.ops.argmax),
    "argmin": _arg(keras.ops.argmin),
    "var_mean": variance_and_mean,
    "var": var,
    "std": std,
    "std_mean": std_mean,
    "norm": norm,
    "linalg_vector_norm": norm,
    "cumsum": cumsum,
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
