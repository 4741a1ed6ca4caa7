"""Pooling as ONNX nodes."""

from __future__ import annotations

from typing import Any

import keras

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.convolutions import padding
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, rule

_MAXIMUM = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)
_AVERAGE = (keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D)
_GLOBAL_MAXIMUM = (
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
)
_GLOBAL_AVERAGE = (
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
)


@rule(*_MAXIMUM)
def _maximum(graph: Graph, call: Call) -> Value:
    return _pool(graph, call, "MaxPool")


@rule(*_AVERAGE)
def _average(graph: Graph, call: Call) -> Value:
    return _pool(graph, call, "AveragePool", count_include_pad=0)


def _pool(graph: Graph, call: Call, operator: str, **attributes: Any) -> Value:
    layer, value = call.operation, one_input(call)
    rank = value.rank - 2
    window = (layer.pool_size,) * rank if isinstance(layer.pool_size, int) else tuple(layer.pool_size)
    strides = (layer.strides,) * rank if isinstance(layer.strides, int) else tuple(layer.strides)
    sizes = value.shape[2:] if layer.data_format == "channels_first" else value.shape[1:-1]
    name = graph.node(
        operator,
        graph.spatial(value, layer.data_format),
        kernel_shape=window,
        strides=strides,
        **padding(layer.padding, sizes, window, strides, [1] * rank),
        **attributes,
    )
    return graph.images(name, call.outputs[0], layer.data_format)


@rule(*_GLOBAL_MAXIMUM)
def _global_maximum(graph: Graph, call: Call) -> Value:
    return _global_pool(graph, call, "GlobalMaxPool")


@rule(*_GLOBAL_AVERAGE)
def _global_average(graph: Graph, call: Call) -> Value:
    return _global_pool(graph, call, "GlobalAveragePool")


def _global_pool(graph: Graph, call: Call, operator: str) -> Value:
    layer, value = call.operation, one_input(call)
    name = graph.node(operator, graph.spatial(value, layer.data_format))
    result = graph.images(name, call.outputs[0], layer.data_format)
    if layer.keepdims:
        return result
    name = graph.node("Flatten", name)  # the sizes are 1: nothing but the channels is left
    return Value(name, tuple(call.outputs[0].shape), value.dtype)
