"""ONNX operators that join, split, move or reshape tensors, by ONNX's inputs and attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdeconv import layers
from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.onnx import quantization, shapes, unpooling
from tfdeconv.convert.onnx.arguments import constant, only, optional, per_axis
from tfdeconv.convert.onnx.folding import has_unknown
from tfdeconv.convert.onnx.nodes import padded
from tfdeconv.convert.onnx.unpooling import Switches
from tfdeconv.convert.operators import activations, convolutions, normalizations, pooling
from tfdeconv.errors import ConversionError

Named = str | None


def binary(kind: str, name: Named, first: Any, second: Any) -> Any:
    """Add, Sub, Mul, Div."""
    if kind == "sub" and isinstance(first, Switches):
        return unpooling.within_planes(first, second)
    if kind == "add" and isinstance(first, Switches):
        return unpooling.within_batch(first, second)
    return combining.combine(kind, _number(first), _number(second), name)


def _number(operand: Any) -> Any:
    """A size that is unknown as one number; other operands as they are."""
    if not has_unknown(operand):
        return operand
    if operand.size != 1:
        raise ConversionError("computes with several sizes of the input that are unknown. Give fixed sizes.")
    return operand.item()


def power(name: Named, first: Any, second: Any) -> Value:
    """Pow."""
    if isinstance(first, Value) and not isinstance(second, Value) and second.size == 1 and second.item() == 2:
        return first.everywhere([keras.ops.square])
    return combining.combine("pow", first, second, name)


def where(name: Named, condition: Any, first: Any, second: Any) -> Value:
    """Where with a computed condition."""
    if not isinstance(condition, Value):
        raise ConversionError("chooses by a constant, which fits one size of input only.")
    return combining.choose(condition, first, second)


def compare(kind: str, name: Named, first: Any, second: Any) -> Value:
    """Greater, Less, Equal, ..., And, Or."""
    return combining.combine(kind, first, second, name)


def variadic(kind: str, name: Named, *values: Any) -> Any:
    """Sum, Max, Min of any number of tensors."""
    result = values[0]
    for value in values[1:]:
        result = combining.combine(kind, result, value)
    return result


def instance_normalization(
    name: Named, value: Any, scale: Any = None, offset: Any = None, *, epsilon: float = 1e-5
) -> Any:
    """InstanceNormalization, of channels or of groups of them."""
    scale, offset = constant(scale, "scale (input 1)"), constant(offset, "bias (input 2)")
    if isinstance(value, shapes.GroupedView):
        if not (np.all(scale == 1) and np.all(offset == 0)):
            raise ConversionError("scales groups of channels, which has no exact layer.")
        channels = value.image.static_shape[1]
        if channels is None:
            raise ConversionError("normalises groups of an unknown number of channels.")
        steps = normalizations.group_normalization(
            value.image.place(name), value.groups, None, None, channels=channels, epsilon=epsilon
        )
        return shapes.GroupedView(value.image.through(steps), value.groups)
    return value.through(
        normalizations.group_normalization(
            value.place(name), len(scale), scale, offset, channels=len(scale), epsilon=epsilon
        )
    )


def layer_normalization(
    name: Named,
    value: Value,
    scale: Any = None,
    offset: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Value:
    """LayerNormalization of the last axis."""
    only("axis", axis % value.rank, value.rank - 1)
    only("stash_type", stash_type, 1)
    scale = constant(scale, "scale (input 1)")
    return shaping.on_last_axis(
        value,
        normalizations.layer_normalization(
            value.place(name), scale, optional(offset, "bias"), shape=[len(scale)], epsilon=epsilon
        ),
    )


def reduction(
    kind: str,
    name: Named,
    value: Value,
    given: Any = None,
    *,
    axes: Any = None,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> Value:
    """ReduceMean, ReduceSum, ReduceMax, ReduceMin."""
    chosen = shapes.named_axes(value, given, axes)
    if not chosen and noop_with_empty_axes:
        return value
    return shaping.reduce(value, kind, chosen or None, keepdims=bool(keepdims))


def softmax(
    name: Named, value: Value, *, axis: int | None = None, log: bool = False, opset: int = 13
) -> Value:
    """Softmax; before opset 13 over all axes from ``axis`` on."""
    if axis is None:
        axis = -1 if opset >= 13 else 1
    if opset < 13 and axis % value.rank != value.rank - 1 and value.rank > 2:
        raise ConversionError(f"is taken over all axes from {axis} on in opset {opset}, which has no layer.")
    return value.everywhere(
        activations.softmax(value.place(name), value.keras_axis(axis) - value.rank, log=log)
    )


def log_softmax(name: Named, value: Value, *, axis: int | None = None, opset: int = 13) -> Value:
    """LogSoftmax."""
    return softmax(name, value, axis=axis, log=True, opset=opset)


def matmul(name: Named, first: Any, second: Any) -> Value:
    """MatMul; a Dense layer where the second factor is a constant matrix."""
    if isinstance(first, Value) and not isinstance(second, Value) and second.ndim == 2:
        return shaping.on_last_axis(first, convolutions.dense(first.place(name), second.T, None))
    return combining.matmul(first, second)


def gemm(
    name: Named,
    first: Value,
    second: Any,
    third: Any = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's names
    transB: int = 0,  # noqa: N803
) -> Value:
    """Gemm with a constant matrix: a Dense layer."""
    only("transA", transA, 0)
    weight = constant(second, "matrix (input 1)") * np.asarray(alpha, second.dtype)
    offset = optional(third, "offset (input 2)")
    weight = weight if transB else weight.T
    if offset is not None:
        offset = np.broadcast_to(offset.reshape(-1) * np.asarray(beta, offset.dtype), [weight.shape[0]])
    return first.through(convolutions.dense(first.place(name), weight, offset))


def cast(name: Named, value: Value, *, to: int, saturate: int = 1) -> Value:
    """Cast."""
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(to).name
    if value.dtype == dtype:
        return value
    return value.with_tensor(keras.ops.cast(value.tensor, dtype))


def same(name: Named, value: Any) -> Any:
    """Identity."""
    return value


def dropout(
    name: Named,
    value: Value,
    given_ratio: Any = None,
    training_mode: Any = None,
    *,
    ratio: float = 0.5,
    seed: int | None = None,
) -> Value:
    """Dropout at inference: nothing, whatever the ratio and the seed are."""
    if training_mode is not None and bool(np.any(constant(training_mode, "training_mode (input 2)"))):
        raise ConversionError("drops samples at random (training_mode). Export the model for inference.")
    return value


def max_pool(
    name: Named,
    value: Value,
    *,
    kernel_shape: Sequence[int],
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    storage_order: int = 0,
    outputs: int = 1,
) -> Any:
    """MaxPool, with the places of the maxima where there is a second output."""
    rank = len(kernel_shape)
    strides, dilations = per_axis("strides", strides, rank, 1), per_axis("dilations", dilations, rank, 1)
    place = value.place(name)
    around = padded(place, kernel_shape, strides, dilations, pads, auto_pad)
    if outputs == 1:
        steps = pooling.max_pool(
            place, kernel_shape, strides, around, dilation_rate=dilations, ceil_mode=bool(ceil_mode)
        )
        return value.through(steps)
    only("storage_order", storage_order, 0)
    if rank != 2 or any(map(any, around)) or ceil_mode or any(rate != 1 for rate in dilations):
        raise ConversionError("returns indices; only images without padding, ceil_mode and dilation do here.")
    layer = layers.MaxPooling2DWithSwitches(
        tuple(kernel_shape), strides, data_format=value.data_format, dtype=value.dtype, name=name
    )
    pooled, switches = layer(value.image())
    found = Switches(switches, value, tuple(kernel_shape), strides)
    return value.through([lambda _: pooled]), found


def max_unpool(
    name: Named,
    value: Value,
    switches: Any = None,
    output_shape: Any = None,
    *,
    kernel_shape: Sequence[int],
    strides: Any = None,
    pads: Any = None,
) -> Value:
    """MaxUnpool with the indices of a MaxPool of the same model.

    ONNX's indices count in the whole tensor that was pooled, so the output must have its size.
    """
    if not isinstance(switches, Switches):
        raise ConversionError("needs the indices of a MaxPool of the same model.")
    if any(pads or ()):
        raise ConversionError(f"has pads={list(pads)}; only 0 has an exact layer.")
    windows = (tuple(kernel_shape), per_axis("strides", strides, 2, 1))
    if windows != (switches.pool_size, switches.strides):
        raise ConversionError(f"has windows {windows[0]} and strides {windows[1]}; the pooling's are others.")
    sizes = [] if output_shape is None else np.ravel(output_shape).tolist()
    if output_shape is None:
        shape = zip(value.static_shape[2:], *windows, strict=True)
        sizes = [None if size is None else (size - 1) * stride + pool for size, pool, stride in shape]
        fits = tuple(sizes) == switches.pooled.static_shape[2:]
    else:
        fits = all(shapes.same_size(size, switches.pooled, axis) for axis, size in enumerate(sizes))
    if not fits or None in sizes:
        raise ConversionError(
            f"has the output size {sizes}, and what was pooled {list(switches.pooled.static_shape)}: ONNX's "
            "indices count in the tensor that was pooled, so both must be known and the same."
        )
    return unpooling.unpool(value, switches, name)


def scatter_nd(name: Named, data: Any, indices: Any, updates: Any, *, reduction: str = "none") -> Any:
    """ScatterND, where it unpools."""
    only("reduction", reduction, "none")
    return unpooling.scatter(data, indices, updates, name)


RULES: dict[str, Callable[..., Any]] = {
    **shapes.RULES,
    **quantization.RULES,
    **{
        op: partial(binary, kind)
        for op, kind in {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}.items()
    },
    **{
        op: partial(compare, kind)
        for op, kind in {
            "Greater": "gt",
            "GreaterOrEqual": "ge",
            "Less": "lt",
            "LessOrEqual": "le",
            "Equal": "eq",
            "And": "logical_and",
            "Or": "logical_or",
        }.items()
    },
    "Where": where,
    "Pow": power,
    **{
        op: partial(variadic, kind) for op, kind in {"Sum": "add", "Max": "maximum", "Min": "minimum"}.items()
    },
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    **{
        f"Reduce{op}": partial(reduction, kind)
        for op, kind in {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin", "Prod": "prod"}.items()
    },
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "MatMul": matmul,
    "Gemm": gemm,
    "Cast": cast,
    "Identity": same,
    "Dropout": dropout,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "ScatterND": scatter_nd,
}
"""ONNX operator -> a function of values; the first argument is the name of the layer."""
