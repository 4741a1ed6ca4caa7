"""Activations as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import RULES, one_input, refuse, rule
from tfdeconv.inference.max_prelu import MaxPReLU


def activate(graph: Graph, call: Call, value: Value, activation: Any) -> Value:
    """Apply a layer's ``activation``, a function of Keras's or a layer.

    Raises:
        ExportError: It has no ONNX form here.
    """
    if activation is None or getattr(activation, "__name__", "") == "linear":
        return value
    if type(activation) in RULES:
        inner = Call(call.path, activation, (value,), {}, call.outputs)
        result = RULES[type(activation)](graph, inner)
        return result[0] if isinstance(result, list) else result
    for function, write in _FUNCTIONS.items():
        if activation is function:
            return replace(value, name=write(graph, value))
    raise refuse(
        call,
        f"has the activation {getattr(activation, '__name__', activation)!r}, which has no ONNX form here. "
        "Use one of keras.activations.",
    )


def _unary(operator: str, graph: Graph, value: Value, **attributes: Any) -> str:
    name: str = graph.node(operator, value.name, **attributes)
    return name


def _clip(low: float, high: float, graph: Graph, value: Value) -> str:
    return _clip_name(graph, value.name, low, high)


def _clip_name(graph: Graph, name: str, low: float, high: float) -> str:
    return graph.node("Clip", name, graph.constant(low, "float32"), graph.constant(high, "float32"))


def _silu(graph: Graph, value: Value) -> str:
    return graph.node("Mul", value.name, graph.node("Sigmoid", value.name))


def _hard_sigmoid(graph: Graph, value: Value) -> str:
    return graph.node("HardSigmoid", value.name, alpha=1 / 6, beta=0.5)


def _hard_silu(graph: Graph, value: Value) -> str:
    return graph.node("Mul", value.name, _hard_sigmoid(graph, value))


def _mish(graph: Graph, value: Value) -> str:
    return graph.node("Mul", value.name, graph.node("Tanh", graph.node("Softplus", value.name)))


def _gelu(graph: Graph, value: Value, *, approximate: bool = False) -> str:
    def number(x: float) -> str:
        return graph.constant(x, "float32")

    x = value.name
    if approximate:
        cubed = graph.node("Mul", graph.node("Mul", graph.node("Mul", x, x), x), number(0.044715))
        gate = graph.node(
            "Tanh", graph.node("Mul", graph.node("Add", x, cubed), number(math.sqrt(2 / math.pi)))
        )
    else:
        gate = graph.node("Erf", graph.node("Mul", x, number(math.sqrt(0.5))))
    return graph.node("Mul", graph.node("Mul", x, number(0.5)), graph.node("Add", gate, number(1.0)))


def _softmax(graph: Graph, value: Value, *, operator: str = "Softmax", axis: int = -1) -> str:
    return graph.node(operator, value.name, axis=value.axis(axis))


_FUNCTIONS: dict[Any, Callable[[Graph, Value], str]] = {
    keras.activations.relu: partial(_unary, "Relu"),
    keras.activations.relu6: partial(_clip, 0.0, 6.0),
    keras.activations.leaky_relu: partial(_unary, "LeakyRelu", alpha=0.2),
    keras.activations.sigmoid: partial(_unary, "Sigmoid"),
    keras.activations.tanh: partial(_unary, "Tanh"),
    keras.activations.elu: partial(_unary, "Elu"),
    keras.activations.selu: partial(_unary, "Selu"),
    keras.activations.softplus: partial(_unary, "Softplus"),
    keras.activations.softsign: partial(_unary, "Softsign"),
    keras.activations.exponential: partial(_unary, "Exp"),
    keras.activations.hard_tanh: partial(_clip, -1.0, 1.0),
    keras.activations.silu: _silu,
    keras.activations.hard_sigmoid: _hard_sigmoid,
    keras.activations.hard_silu: _hard_silu,
    keras.activations.mish: _mish,
    keras.activations.gelu: _gelu,
    keras.activations.softmax: _softmax,
    keras.activations.log_softmax: partial(_softmax, operator="LogSoftmax"),
}


@rule(keras.layers.Activation)
def _activation(graph: Graph, call: Call) -> Value:
    return activate(graph, call, one_input(call), call.operation.activation)


@rule(keras.layers.ReLU)
def _relu(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    slope, threshold, top = float(layer.negative_slope or 0), float(layer.threshold or 0), layer.max_value
    if threshold:
        shifted = graph.node("Sub", value.name, graph.constant(threshold, "float32"))
        below = graph.node("Mul", shifted, graph.constant(slope, "float32"))
        above = graph.node("GreaterOrEqual", value.name, graph.constant(threshold, "float32"))
        name = graph.node("Where", above, value.name, below)
    elif slope:
        name = graph.node("LeakyRelu", value.name, alpha=slope)
    elif top is not None:
        return replace(value, name=_clip_name(graph, value.name, 0.0, float(top)))
    else:
        name = graph.node("Relu", value.name)
    if top is not None:
        name = graph.node("Min", name, graph.constant(float(top), "float32"))
    return replace(value, name=name)


@rule(keras.layers.LeakyReLU)
def _leaky_relu(graph: Graph, call: Call) -> Value:
    value = one_input(call)
    return replace(
        value, name=graph.node("LeakyRelu", value.name, alpha=float(call.operation.negative_slope))
    )


@rule(keras.layers.ELU)
def _elu(graph: Graph, call: Call) -> Value:
    value = one_input(call)
    return replace(value, name=graph.node("Elu", value.name, alpha=float(call.operation.alpha)))


@rule(keras.layers.PReLU, MaxPReLU)
def _prelu(graph: Graph, call: Call) -> Value:
    value = one_input(call)
    slopes = np.asarray(keras.ops.convert_to_numpy(call.operation.alpha))
    if value.moved:
        slopes = slopes.reshape([1] * (value.rank - 1 - slopes.ndim) + list(slopes.shape))
        slopes = np.moveaxis(slopes, -1, 0)
    return replace(value, name=graph.node("PRelu", value.name, graph.constant(slopes)))


@rule(keras.layers.Softmax)
def _softmax_layer(graph: Graph, call: Call) -> Value:
    value, axis = one_input(call), call.operation.axis
    if not isinstance(axis, int):
        raise refuse(call, f"has axis={axis}; ONNX's Softmax has one axis. Flatten these axes first.")
    return replace(value, name=_softmax(graph, value, axis=axis))
