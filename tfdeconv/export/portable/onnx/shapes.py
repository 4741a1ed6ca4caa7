"""Layers that reshape, pad and crop as ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras.src.ops import numpy as keras_numpy

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.graph import END, Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, refuse, rule
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D


@rule(keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)
def _zero_padding(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    data_format = getattr(layer, "data_format", "channels_last")
    before, after = zip(*_pairs(layer.padding), strict=True)
    pads = graph.ints(0, 0, *before, 0, 0, *after)
    return _images(graph, call, graph.node("Pad", graph.spatial(value, data_format), pads), value)


@rule(keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D)
def _cropping(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    data_format = getattr(layer, "data_format", "channels_last")
    pairs = _pairs(layer.cropping)
    starts, ends = [before for before, _ in pairs], [-after or END for _, after in pairs]
    name = graph.slice(graph.spatial(value, data_format), starts, ends, range(2, value.rank))
    return _images(graph, call, name, value)


def _pairs(value: Any) -> Sequence[tuple[int, int]]:
    return [value] if isinstance(value[0], int) else list(value)


def _images(graph: Graph, call: Call, name: str, value: Value) -> Value:
    data_format = getattr(call.operation, "data_format", "channels_last")
    return replace(graph.images(name, call.outputs[0], data_format), dtype=value.dtype)


@rule(PadToMultiple2D)
def _pad_to_multiple(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    sizes = graph.sizes(value, layer.data_format)
    surplus = graph.node("Mod", graph.node("Neg", sizes), graph.ints(layer.multiple, layer.multiple))
    pads = graph.node("Concat", graph.ints(0, 0, 0, 0, 0, 0), surplus, axis=0)
    return _images(graph, call, graph.node("Pad", graph.spatial(value, layer.data_format), pads), value)


@rule(keras.layers.Reshape, keras_numpy.Reshape)
def _reshape(graph: Graph, call: Call) -> Value:
    value, symbol = one_input(call), call.outputs[0]
    free = [axis for axis, size in enumerate(symbol.shape) if size is None and axis > 0]
    if len(free) > 1 or (symbol.shape[0] is not None) != (value.shape[0] is not None):
        raise refuse(
            call, f"reshapes to {tuple(symbol.shape)}; at most one size besides the batch may be free."
        )
    shape = [0, *(-1 if size is None else size for size in symbol.shape[1:])]
    name = graph.node("Reshape", graph.name(value, moved=False), graph.ints(*shape))
    return Value(name, tuple(symbol.shape), value.dtype)


@rule(keras.layers.Flatten)
def _flatten(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    name = graph.name(value, moved=False)
    if layer.data_format == "channels_first" and value.rank > 2:  # Keras flattens these as channels last
        name = graph.node("Transpose", name, perm=[0, *range(2, value.rank), 1])
    return Value(graph.node("Flatten", name), tuple(call.outputs[0].shape), value.dtype)


@rule(keras.layers.Permute)
def _permute(graph: Graph, call: Call) -> Value:
    return _transposed(graph, call, [0, *call.operation.dims])


@rule(keras_numpy.Transpose)
def _transpose(graph: Graph, call: Call) -> Value:
    axes = call.operation.axes
    rank = one_input(call).rank
    return _transposed(graph, call, list(axes) if axes is not None else list(reversed(range(rank))))


def _transposed(graph: Graph, call: Call, order: list[int]) -> Value:
    value = one_input(call)
    name = graph.node("Transpose", graph.name(value, moved=False), perm=order)
    return Value(name, tuple(call.outputs[0].shape), value.dtype)
