"""Merging layers and operations of ``keras.ops`` as ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras.src.ops import nn as keras_nn
from keras.src.ops import numpy as keras_numpy

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.activations import activate
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import RULES, one_input, refuse, rule
from tfdeconv.imaging.bt601 import BLACK, LUMA_WEIGHTS
from tfdeconv.zoo.upscalers.luma_layer import Luma


def _together(graph: Graph, values: Sequence[Any]) -> tuple[list[str], bool]:
    """Names of values, arrays and numbers in one layout, and whether it has its last axis moved."""
    tensors = [value for value in values if isinstance(value, Value)]
    one_rank = len({tensor.rank for tensor in tensors}) == 1
    moved = one_rank and any(tensor.moved for tensor in tensors)
    model = next(tensor for tensor in tensors if tensor.rank == max(other.rank for other in tensors))
    frame = replace(model, moved=moved)
    dtype = frame.dtype
    names = [
        graph.name(value, moved=moved)
        if isinstance(value, Value)
        else graph.broadcast(np.asarray(value, dtype), frame)
        for value in values
    ]
    return names, moved


def _merge(operator: str, graph: Graph, call: Call) -> Value:
    values = call.args[0] if call.args else call.kwargs["inputs"]
    names, moved = _together(graph, values)
    name = names[0]
    for other in names[1:]:
        name = graph.node(operator, name, other)
    return _result(call, name, moved)


def _result(call: Call, name: str, moved: bool) -> Value:
    symbol = call.outputs[0]
    return Value(name, tuple(symbol.shape), str(symbol.dtype), moved)


for kind, operator in (
    (keras.layers.Add, "Add"),
    (keras.layers.Subtract, "Sub"),
    (keras.layers.Multiply, "Mul"),
    (keras.layers.Maximum, "Max"),
    (keras.layers.Minimum, "Min"),
):
    RULES[kind] = partial(_merge, operator)


@rule(keras.layers.Average)
def _average(graph: Graph, call: Call) -> Value:
    values = call.args[0] if call.args else call.kwargs["inputs"]
    total = _merge("Add", graph, call)
    return replace(total, name=graph.node("Div", total.name, graph.constant(len(values), "float32")))


@rule(keras.layers.Concatenate)
def _concatenate(graph: Graph, call: Call) -> Value:
    values = call.args[0] if call.args else call.kwargs["inputs"]
    return _concatenated(graph, call, values, call.operation.axis)


@rule(keras_numpy.Concatenate)
def _concatenate_operation(graph: Graph, call: Call) -> Value:
    return _concatenated(graph, call, call.args[0], call.operation.axis)


def _concatenated(graph: Graph, call: Call, values: Sequence[Value], axis: int) -> Value:
    names, moved = _together(graph, values)
    at = replace(values[0], moved=moved).axis(axis)
    return _result(call, graph.node("Concat", *names, axis=at), moved)


def _binary(operator: str, graph: Graph, call: Call) -> Value:
    values = [*call.args, *call.kwargs.values()]
    if not all(isinstance(value, Value | int | float | np.ndarray | np.generic) for value in values):
        raise refuse(call, "combines a tensor with something that is no number or array.")
    dtype = str(call.outputs[0].dtype)
    values = [graph.cast(value, dtype) if isinstance(value, Value) else value for value in values]
    names, moved = _together(graph, values)
    return _result(call, graph.node(operator, *names), moved)


for name, operator in (
    ("Add", "Add"),
    ("Subtract", "Sub"),
    ("Multiply", "Mul"),
    ("Divide", "Div"),
    ("TrueDivide", "Div"),
    ("Maximum", "Max"),
    ("Minimum", "Min"),
    ("Power", "Pow"),
):
    RULES[getattr(keras_numpy, name)] = partial(_binary, operator)


def _unary(operator: str, graph: Graph, call: Call) -> Value:
    value = graph.cast(one_input(call), str(call.outputs[0].dtype))
    return replace(value, name=graph.node(operator, value.name))


for name, operator in (
    ("Negative", "Neg"),
    ("Absolute", "Abs"),
    ("Abs", "Abs"),
    ("Exp", "Exp"),
    ("Log", "Log"),
    ("Sqrt", "Sqrt"),
    ("Tanh", "Tanh"),
    ("Floor", "Floor"),
    ("Ceil", "Ceil"),
):
    RULES[getattr(keras_numpy, name)] = partial(_unary, operator)


@rule(keras_numpy.Square)
def _square(graph: Graph, call: Call) -> Value:
    value = one_input(call)
    return replace(value, name=graph.node("Mul", value.name, value.name))


@rule(keras_numpy.Clip)
def _clip(graph: Graph, call: Call) -> Value:
    value, operation = one_input(call), call.operation
    low, high = operation.x_min, operation.x_max
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise refuse(call, "has limits that are no numbers.")
    limits = [graph.constant(limit, value.dtype) for limit in (low, high)]
    return replace(value, name=graph.node("Clip", value.name, *limits))


def _function(activation: Any, graph: Graph, call: Call) -> Value:
    return activate(graph, call, one_input(call), activation)


for kind, activation in (
    (keras_nn.Relu, keras.activations.relu),
    (keras_nn.Relu6, keras.activations.relu6),
    (keras_nn.Sigmoid, keras.activations.sigmoid),
    (keras_nn.Silu, keras.activations.silu),
    (keras_nn.Softplus, keras.activations.softplus),
    (keras_nn.HardSigmoid, keras.activations.hard_sigmoid),
    (keras_nn.HardSilu, keras.activations.hard_silu),
):
    RULES[kind] = partial(_function, activation)


def _mean(graph: Graph, call: Call) -> Value:
    value, operation = one_input(call), call.operation
    axes = operation.axis
    axes = list(range(value.rank)) if axes is None else [axes] if isinstance(axes, int) else list(axes)
    name = graph.node(
        "ReduceMean",
        graph.name(value, moved=False),
        axes=[axis % value.rank for axis in axes],
        keepdims=int(operation.keepdims),
    )
    return _result(call, name, False)


RULES[keras_numpy.Mean] = _mean


@rule(Luma)
def _luma(graph: Graph, call: Call) -> Value:
    value = one_input(call)
    weights = np.asarray(LUMA_WEIGHTS, np.float32).reshape(1, 3, 1, 1)
    black = np.asarray([BLACK], np.float32)
    name = graph.node("Conv", graph.name(value, moved=True), graph.constant(weights), graph.constant(black))
    return _result(call, name, True)


@rule(
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)
def _nothing(graph: Graph, call: Call) -> Value:
    if call.kwargs.get("training"):
        raise refuse(call, "is called with training=True, which is random; a file computes one function.")
    return one_input(call)
