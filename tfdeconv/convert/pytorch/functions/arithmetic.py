"""PyTorch's arithmetic, comparisons and products, by its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import combining
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.pytorch.functions.pooling import Switches
from tfdeconv.errors import ConversionError

Named = str | None


def _operand(value: Any) -> Any:
    return value if isinstance(value, Value | UnknownSize | int | float) else as_array(value)


def _combine(kind: str, name: Named, first: Any, second: Any) -> Value:
    if isinstance(first, Switches) or isinstance(second, Switches):
        raise ConversionError("The indices of a max pooling are only taken by max_unpool.")
    return combining.combine(kind, _operand(first), _operand(second), name)


def _binary(kind: str) -> Callable[..., Value]:
    def function(name: Named, input: Any, other: Any, *, alpha: float = 1, inplace: bool = False) -> Value:
        if alpha != 1:
            other = combining.combine("mul", other, alpha) if isinstance(other, Value) else other * alpha
        return _combine(kind, name, input, other)

    return function


def _comparison(kind: str) -> Callable[..., Value]:
    def function(name: Named, input: Any, other: Any) -> Value:
        return _combine(kind, name, input, other)

    return function


def div(name: Named, input: Any, other: Any, *, rounding_mode: str | None = None) -> Value:
    """``torch.div``."""
    if rounding_mode == "floor":
        return _combine("floor_divide", name, input, other)
    quotient = _combine("div", name, input, other)
    return quotient if rounding_mode is None else quotient.everywhere([keras.ops.trunc])


def rsub(name: Named, input: Any, other: Any, *, alpha: float = 1) -> Value:
    """``torch.rsub``: other - alpha * input."""
    return _binary("sub")(name, other, input, alpha=alpha)


def square_or_power(name: Named, input: Any, exponent: Any) -> Value:
    """``torch.pow``."""
    if isinstance(input, Value) and isinstance(exponent, int | float) and exponent == 2:
        return input.everywhere([keras.ops.square])
    return _combine("pow", name, input, exponent)


def addcmul(name: Named, input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Value:
    """``torch.addcmul``: input + value * tensor1 * tensor2."""
    return _binary("add")(name, input, _combine("mul", None, tensor1, tensor2), alpha=value)


def addcdiv(name: Named, input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Value:
    """``torch.addcdiv``: input + value * tensor1 / tensor2."""
    return _binary("add")(name, input, _combine("div", None, tensor1, tensor2), alpha=value)


def lerp(name: Named, input: Any, end: Any, weight: Any) -> Value:
    """``torch.lerp``: input + weight * (end - input)."""
    return _combine("add", name, input, _combine("mul", None, _combine("sub", None, end, input), weight))


def where(name: Named, condition: Any, input: Any = None, other: Any = None) -> Value:
    """``torch.where`` of three arguments."""
    if not isinstance(condition, Value) or input is None or other is None:
        raise ConversionError("where needs a condition that is computed from the input, and two choices.")
    return combining.choose(condition, _operand(input), _operand(other))


def masked_fill(name: Named, input: Value, mask: Any, value: Any) -> Value:
    """``Tensor.masked_fill``."""
    return where(name, mask, value, input)


def _bitwise(kind: str) -> Callable[..., Value]:
    def function(name: Named, input: Any, other: Any) -> Value:
        _check_truth(kind, input, other)
        return _combine(f"logical_{kind}", name, input, other)

    return function


def bitwise_not(name: Named, input: Value) -> Value:
    """``~`` of truth values."""
    _check_truth("not", input)
    return input.everywhere([keras.ops.logical_not])


def _check_truth(kind: str, *operands: Any) -> None:
    types = [str(operand.dtype).removeprefix("torch.") for operand in operands if hasattr(operand, "dtype")]
    if set(types) != {"bool"}:
        raise ConversionError(
            f"calls bitwise_{kind} of {' and '.join(types)}; only truth values have a layer."
        )


def matmul(name: Named, input: Any, other: Any) -> Value:
    """``torch.matmul``, ``torch.bmm`` and ``@``."""
    return combining.matmul(_operand(input), _operand(other))


def einsum(name: Named, equation: str, *operands: Any) -> Value:
    """``torch.einsum`` that keeps the batch in front."""
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    terms, arrow, result = equation.replace(" ", "").partition("->")
    values = [each for each in operands if isinstance(each, Value)]
    batches = {
        term[:1]
        for term, each in zip(terms.split(","), operands, strict=True)
        if isinstance(each, Value) or term.startswith(".")
    }
    if not arrow or "." in equation or batches != {result[:1]}:
        raise ConversionError(f"einsum({equation!r}) does not keep the batch as the first axis.")
    plain = [each.plain() if isinstance(each, Value) else as_array(each) for each in operands]
    tensor = keras.ops.einsum(equation.replace(" ", ""), *plain)
    return Value(tensor, tuple(range(len(tensor.shape))), values[0].data_format)


COMPARISONS = ("gt", "ge", "lt", "le", "eq", "ne", "logical_and", "logical_or")

VALUES: dict[str, Callable[..., Any]] = {
    **{name: _binary(name) for name in ("add", "sub", "mul", "maximum", "minimum")},
    **{name: _comparison(name) for name in (*COMPARISONS, "floor_divide", "remainder")},
    **{f"bitwise_{kind}": _bitwise(kind) for kind in ("and", "or")},
    "bitwise_not": bitwise_not,
    "div": div,
    "rsub": rsub,
    "pow": square_or_power,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
    "where": where,
    "masked_fill": masked_fill,
    "matmul": matmul,
    "einsum": einsum,
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
