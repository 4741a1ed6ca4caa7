"""Values joined with one another and with constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size
from tfdeconv.convert.graph.shaping import cut, repeated, unsqueeze
from tfdeconv.convert.graph.values import Value
from tfdeconv.errors import ConversionError


@dataclass(frozen=True)
class Binary:
    """An operation of two tensors: Keras's layer, where it has one, and function."""

    operation: Callable[[Any, Any], Any]
    layer: Callable[..., keras.layers.Layer] | None = None


def _sum(first: Any, second: Any) -> Any:
    """The sum, broadcast as everywhere.

    ``keras.ops.add`` (3.15) takes a second operand of one long axis for a bias, whose axis it guesses by its
    size: it adds a row to the channels where there are as many. A difference is not guessed at.
    """
    if isinstance(first, int | float) or isinstance(second, int | float):
        return keras.ops.add(first, second)
    return keras.ops.subtract(first, -second)


BINARY = {
    "add": Binary(_sum, keras.layers.Add),
    "sub": Binary(keras.ops.subtract, keras.layers.Subtract),
    "mul": Binary(keras.ops.multiply, keras.layers.Multiply),
    "div": Binary(keras.ops.divide),
    "pow": Binary(keras.ops.power),
    "maximum": Binary(keras.ops.maximum, keras.layers.Maximum),
    "minimum": Binary(keras.ops.minimum, keras.layers.Minimum),
    "floor_divide": Binary(keras.ops.floor_divide),
    "remainder": Binary(keras.ops.mod),
    "gt": Binary(keras.ops.greater),
    "ge": Binary(keras.ops.greater_equal),
    "lt": Binary(keras.ops.less),
    "le": Binary(keras.ops.less_equal),
    "eq": Binary(keras.ops.equal),
    "ne": Binary(keras.ops.not_equal),
    "logical_and": Binary(keras.ops.logical_and),
    "logical_or": Binary(keras.ops.logical_or),
}


OF_TRUTH = {"add": "logical_or", "maximum": "logical_or", "mul": "logical_and", "minimum": "logical_and"}
"""What arithmetic of truth values is."""


def combine(kind: str, first: Any, second: Any, name: str | None = None) -> Value:
    """Return an elementwise operation of two values, or of a value and a number or array.

    Shapes are broadcast by the rule that all frameworks share: missing axes are in front.
    """
    if isinstance(first, Value) and isinstance(second, Value) and {first.dtype, second.dtype} == {"bool"}:
        kind = OF_TRUTH.get(kind, kind)
    binary = BINARY[kind]
    if isinstance(first, Value) and isinstance(second, Value):
        return _combine_values(binary, first, second, name)
    value, other = (first, second) if isinstance(first, Value) else (second, first)
    if isinstance(other, UnknownSize):
        number = by_size.number(value, other, _common_type(value.dtype, 1 if other.denominator == 1 else 0.5))
        one, two = (value, number) if value is first else (number, value)
        return _combine_values(binary, one, two, name)
    is_first = value is first
    value = _cast(value, _common_type(value.dtype, other))
    constant = _broadcast(other, value)
    neutral = {"add": 0, "sub": 0, "mul": 1, "div": 1}.get(kind)
    if is_first and neutral is not None and constant.size == 1 and constant.item() == neutral:
        return value
    operand = _operand(constant, value, value.dtype)
    operands = (value.tensor, operand) if is_first else (operand, value.tensor)
    return value.with_tensor(binary.operation(*operands))


def choose(condition: Value, first: Any, second: Any) -> Value:
    """Return ``first`` where the condition holds, else ``second``; values, numbers or arrays."""
    values = [each for each in (first, second) if isinstance(each, Value)]
    if any(value.rank != condition.rank for value in values):
        raise ConversionError("Tensors of different numbers of axes are chosen from, which has no layer.")
    dtype = _own_type(values[0] if values else first)
    for each in (first, second):
        dtype = _common_type(dtype, each)
    operands = [
        _cast(each, dtype).ordered(condition.order)
        if isinstance(each, Value)
        else _operand(_broadcast(each, condition), condition, dtype)
        for each in (first, second)
    ]
    return _cast(condition.with_tensor(keras.ops.where(condition.tensor, *operands)), dtype)


def _common_type(dtype: str, other: Any) -> str:
    """The type of what a tensor of ``dtype`` makes with a value, an array or a number, as in PyTorch.

    A number changes it only from truth values to whole numbers, and from these to floats.
    """
    own = _own_type(other)
    if isinstance(other, Value) or np.ndim(other) or _kind(own) > _kind(dtype):
        return str(keras.backend.result_type(dtype, own))
    return dtype


def _own_type(operand: Any) -> str:
    if isinstance(operand, Value):
        return operand.dtype
    return keras.config.floatx() if isinstance(operand, float) else np.asarray(operand).dtype.name


def _kind(dtype: str) -> int:
    """0 for truth values, 1 for whole numbers, 2 for floats."""
    return 2 if keras.backend.is_float_dtype(dtype) else int(keras.backend.is_int_dtype(dtype))


def _cast(value: Value, dtype: str) -> Value:
    return value if value.dtype == dtype else value.everywhere([lambda x: keras.ops.cast(x, dtype)])


def _operand(constant: Any, value: Value, dtype: str) -> Any:
    """A constant of as many axes as ``value``, as its Keras tensor holds them."""
    array = constant.transpose(value.order).astype(dtype)
    return array.item() if array.size == 1 else array


def _broadcast(other: Any, value: Value) -> Any:
    """A constant with as many axes as ``value``, whose sizes it fits."""
    constant = np.asarray(other)
    if constant.ndim > value.rank:
        raise ConversionError(
            f"A tensor of {value.rank} axes meets a constant of shape {constant.shape}; the constant must "
            "not have more axes."
        )
    constant = constant.reshape((1,) * (value.rank - constant.ndim) + constant.shape)
    for axis, (size, known) in enumerate(zip(constant.shape, value.static_shape, strict=True)):
        if size != 1 and (axis == 0 or known is None or known not in (1, size)):
            raise ConversionError(
                f"A constant of shape {constant.shape} fits a tensor of shape {value.static_shape} only for "
                f"one size of axis {axis}. Give the sizes of the input."
            )
    return constant


def _combine_values(binary: Binary, first: Value, second: Value, name: str | None) -> Value:
    while first.rank < second.rank:
        first = _leading_axis(first)
    while second.rank < first.rank:
        second = _leading_axis(second)
    dtype = _common_type(first.dtype, second)
    first, second = _cast(first, dtype), _cast(second, dtype)
    other = second.ordered(first.order)
    if binary.layer is not None and first.tensor.shape == other.shape:
        return first.with_tensor(binary.layer(dtype=first.dtype, name=name)([first.tensor, other]))
    return first.with_tensor(binary.operation(first.tensor, other))


def _leading_axis(value: Value) -> Value:
    if value.static_shape[0] != 1:
        raise ConversionError("Tensors of different numbers of axes are combined, which would mix the batch.")
    return unsqueeze(value, 0)


def concatenate(values: Sequence[Any], axis: int, name: str | None = None) -> Value:
    """Return the values one after another along an axis of the source."""
    first = next(value for value in values if isinstance(value, Value))
    given = [value if isinstance(value, Value) else _beside(first, value, axis) for value in values]
    if any(value.rank != first.rank for value in given):
        raise ConversionError("Tensors of different numbers of axes cannot be concatenated.")
    if axis % first.rank == 0:
        raise ConversionError("Concatenation along the batch axis mixes pictures; it has no layer.")
    if len(given) == 1:
        return first
    dtype = reduce(_common_type, given, first.dtype)
    given = [_cast(value, dtype) for value in given]
    layer = keras.layers.Concatenate(axis=first.keras_axis(axis), dtype=dtype, name=name)
    return first.with_tensor(layer([value.ordered(first.order) for value in given]))


def _beside(value: Value, constant: Any, axis: int) -> Value:
    """A constant as a value that can be joined with ``value`` along an axis, whose batch size is known."""
    array = np.asarray(constant)
    shape = list(value.static_shape)
    shape[axis] = array.shape[axis] if array.ndim == len(shape) else None
    if axis % value.rank == 0 or tuple(shape) != array.shape:
        raise ConversionError(
            f"A constant of shape {array.shape} is concatenated with a tensor of shape {value.static_shape}, "
            "which fits only if all other sizes are known, the batch size too, and the same."
        )
    zeros = repeated(cut(value, axis, 0, 1), axis, array.shape[axis])
    zeros = zeros.with_tensor(keras.ops.zeros_like(zeros.tensor))
    return combine("add", zeros, array) if np.any(array) else zeros


def matmul(first: Any, second: Any) -> Value:
    """Return the product of the two last axes of two values, or of a value and a matrix."""
    pair = [
        operand.plain() if isinstance(operand, Value) else np.asarray(operand) for operand in (first, second)
    ]
    value = first if isinstance(first, Value) else second
    if not isinstance(first, Value) or (not isinstance(second, Value) and pair[1].ndim != 2):
        raise ConversionError("Only products of computed tensors, or of one and a matrix, have a layer.")
    if not isinstance(second, Value):
        pair[1] = pair[1].astype(value.dtype)
    tensor = keras.ops.matmul(*pair)
    return Value(tensor, tuple(range(len(tensor.shape))), value.data_format)
