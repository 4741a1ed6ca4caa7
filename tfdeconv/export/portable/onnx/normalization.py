"""Normalizations as ONNX nodes."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.convolutions import array
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, refuse, rule


@rule(keras.layers.BatchNormalization)
def _batch_normalization(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    if call.kwargs.get("training"):
        raise refuse(call, "is called with training=True, whose statistics a file does not have.")
    axis = layer.axis % value.rank
    if axis not in (1, value.rank - 1):
        raise refuse(call, f"normalizes axis {layer.axis}; ONNX normalizes channels, axis 1 or -1 here.")
    moved = axis == value.rank - 1 and value.rank > 2
    mean, variance = array(layer.moving_mean), array(layer.moving_variance)
    scale = array(layer.gamma) if layer.scale else np.ones_like(mean)
    offset = array(layer.beta) if layer.center else np.zeros_like(mean)
    parameters = [graph.constant(parameter) for parameter in (scale, offset, mean, variance)]
    name = graph.node(
        "BatchNormalization", graph.name(value, moved=moved), *parameters, epsilon=float(layer.epsilon)
    )
    return replace(value, name=name, moved=moved)


@rule(keras.layers.LayerNormalization)
def _layer_normalization(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if [axis % value.rank for axis in axes] != [value.rank - 1] or getattr(layer, "rms_scaling", False):
        raise refuse(call, f"normalizes axis {layer.axis}; only the last axis has an ONNX form here.")
    size = value.shape[-1]
    if size is None:
        raise refuse(call, "reads an unknown number of channels. Give it in keras.Input(shape=...).")
    scale = array(layer.gamma) if layer.scale else np.ones(size, np.float32)
    offset = array(layer.beta) if layer.center else np.zeros(size, np.float32)
    name = graph.node(
        "LayerNormalization",
        graph.name(value, moved=False),
        graph.constant(scale),
        graph.constant(offset),
        axis=-1,
        epsilon=float(layer.epsilon),
    )
    return replace(value, name=name, moved=False)


@rule(keras.layers.Normalization)
def _normalization(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, graph.cast(one_input(call), "float32")
    mean, variance = array(layer.mean), array(layer.variance)
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    if layer.invert:
        name = graph.node("Mul", value.name, graph.broadcast(deviation, value))
        name = graph.node("Add", name, graph.broadcast(mean, value))
    else:
        name = graph.node("Sub", value.name, graph.broadcast(mean, value))
        name = graph.node("Div", name, graph.broadcast(deviation, value))
    return replace(value, name=name)


@rule(keras.layers.Rescaling)
def _rescaling(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, graph.cast(one_input(call), "float32")
    name = value.name
    scale, offset = np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32)
    if np.any(scale != 1):
        name = graph.node("Mul", name, graph.broadcast(scale, value))
    if np.any(offset != 0):
        name = graph.node("Add", name, graph.broadcast(offset, value))
    return replace(value, name=name)
