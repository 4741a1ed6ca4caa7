"""ONNX's quantization of what layers compute; constants are dequantized while the graph is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.graph import combining
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.onnx.arguments import constant, only
from tfdeconv.errors import ConversionError

Named = str | None


def _along(value: Value, array: Any, axis: int, what: str) -> Any:
    """A number, or one for each position of an axis, as a constant that meets ``value``."""
    array = constant(array, what)
    if array.size == 1:
        return array.reshape(())
    if array.ndim != 1:
        raise ConversionError(f"has a {what} of shape {array.shape}; blocks have no layer.")
    return array.reshape([-1 if each == axis % value.rank else 1 for each in range(value.rank)])


def quantize(
    name: Named,
    value: Value,
    scale: Any,
    zero_point: Any = None,
    *,
    axis: int = 1,
    saturate: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
) -> Value:
    """QuantizeLinear to whole numbers of eight, sixteen or 32 bits."""
    only("block_size", block_size, 0)
    only("output_dtype", output_dtype, 0)
    zero = np.zeros([], np.uint8) if zero_point is None else _along(value, zero_point, axis, "zero point")
    if not np.issubdtype(zero.dtype, np.integer):
        raise ConversionError(f"quantizes to {zero.dtype}, which has no layer.")
    limits = np.iinfo(zero.dtype)
    steps = combining.combine("div", value, _along(value, scale, axis, "scale")).everywhere([keras.ops.round])
    moved = combining.combine("add", steps, zero.astype(value.dtype))
    limited = moved.everywhere([lambda x: keras.ops.clip(x, float(limits.min), float(limits.max))])
    return limited.with_tensor(keras.ops.cast(limited.tensor, zero.dtype.name))


def dequantize(
    name: Named,
    value: Value,
    scale: Any,
    zero_point: Any = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Value:
    """DequantizeLinear of whole numbers."""
    only("block_size", block_size, 0)
    only("output_dtype", output_dtype, 0)
    factor = _along(value, scale, axis, "scale")
    numbers = value.with_tensor(keras.ops.cast(value.tensor, factor.dtype.name))
    if zero_point is not None:
        zero = _along(value, zero_point, axis, "zero point").astype(factor.dtype)
        numbers = combining.combine("sub", numbers, zero)
    return combining.combine("mul", numbers, factor)


RULES: dict[str, Callable[..., Any]] = {"QuantizeLinear": quantize, "DequantizeLinear": dequantize}
"""ONNX operator -> a function of values; the first argument is the name of the layer."""
