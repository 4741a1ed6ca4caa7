"""Max pooling with switches and its unpooling as ONNX nodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.convolutions import padding
from tfdeconv.export.portable.onnx.graph import END, Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, refuse, rule
from tfdeconv.export.portable.onnx.upsampling import requested_sizes
from tfdeconv.layers import MaxPooling2DWithSwitches, MaxUnpooling2D


@rule(MaxPooling2DWithSwitches)
def _pool(graph: Graph, call: Call) -> list[Value]:
    layer, value = call.operation, one_input(call)
    sizes = value.shape[2:] if layer.data_format == "channels_first" else value.shape[1:-1]
    x = graph.spatial(value, layer.data_format)
    pooled, indices = graph.node(
        "MaxPool",
        x,
        outputs=2,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        **padding(layer.padding, sizes, layer.pool_size, layer.strides, (1, 1)),
    )
    channels = _channels(value, call)
    # ONNX counts [batch, channels, height, width]; the switches count [height, width, channels] of a sample
    plane = graph.node(
        "ReduceProd", graph.node("Slice", graph.node("Shape", x), graph.ints(2), graph.ints(END))
    )
    place = graph.node("Mul", graph.node("Mod", indices, plane), graph.ints(channels))
    switches = graph.node("Add", place, _channel_numbers(graph, channels))
    first = graph.images(pooled, call.outputs[0], layer.data_format)
    second = graph.images(switches, call.outputs[1], layer.data_format)
    return [first, replace(second, dtype="int64")]


@rule(MaxUnpooling2D)
def _unpool(graph: Graph, call: Call) -> Value:
    layer = call.operation
    value, switches = call.args[0] if call.args else call.kwargs["inputs"]
    if any(stride < pool for stride, pool in zip(layer.strides, layer.pool_size, strict=True)):
        raise refuse(
            call,
            f"has overlapping windows, pool_size={layer.pool_size} with strides={layer.strides}, whose "
            "unpooling needs a scatter, which runtimes do not have alike. Use strides of at least "
            "pool_size.",
        )
    x = graph.spatial(value, layer.data_format)
    inputs = graph.node("Slice", graph.node("Shape", x), graph.ints(2), graph.ints(END))
    strides = graph.ints(*layer.strides)
    grown = graph.node("Mul", inputs, strides)
    pooled_from = grown
    if layer.padding == "valid":
        surplus = graph.ints(
            *(pool - stride for pool, stride in zip(layer.pool_size, layer.strides, strict=True))
        )
        pooled_from = graph.node("Add", grown, surplus)
    sizes = requested_sizes(graph, call, layer.data_format, 2) or pooled_from
    start = graph.ints(0, 0)
    if layer.padding == "same":
        surplus = graph.ints(
            *(pool - stride for pool, stride in zip(layer.pool_size, layer.strides, strict=True))
        )
        total = graph.node("Max", graph.node("Sub", graph.node("Add", grown, surplus), sizes), graph.ints(0))
        start = graph.node("Div", total, graph.ints(2))
    end = graph.node("Add", start, sizes)
    channels = _channels(value, call)
    values = _spread(graph, x, layer.strides, start, end, 0.0, "float32")
    places = graph.cast(switches, "int64")
    chosen = _spread(graph, graph.spatial(places, layer.data_format), layer.strides, start, end, -1, "int64")
    here = graph.node("Equal", chosen, _positions(graph, sizes, channels))
    name = graph.node("Where", here, values, graph.constant(0.0, "float32"))
    return graph.images(name, call.outputs[0], layer.data_format)


def _spread(
    graph: Graph, x: str, strides: tuple[int, ...], start: str, end: str, nothing: float, dtype: str
) -> str:
    """Repeat every sample over its window; ``nothing`` behind the last window."""
    padded = graph.node("Pad", x, graph.ints(0, 0, 0, 0, 0, 0, 1, 1), graph.constant(nothing, dtype))
    for axis, stride in enumerate(strides, start=2):
        padded = _repeat(graph, padded, stride, axis)
    return graph.node("Slice", padded, start, end, graph.ints(2, 3))


def _repeat(graph: Graph, x: str, stride: int, axis: int) -> str:
    """Every entry of an axis ``stride`` times, of any type: Resize takes no integers everywhere."""
    if stride == 1:
        return x
    apart = graph.node("Unsqueeze", x, graph.ints(axis + 1))
    repeats = [1] * 5
    repeats[axis + 1] = stride
    tiled = graph.node("Tile", apart, graph.ints(*repeats))
    scale = [1] * 4
    scale[axis] = stride
    shape = graph.node("Mul", graph.node("Shape", x), graph.ints(*scale))
    return graph.node("Reshape", tiled, shape)


def _positions(graph: Graph, sizes: str, channels: int) -> str:
    """``[channels, height, width]``: the number that a switch has for each place."""
    height, width = (
        graph.node("Squeeze", graph.node("Slice", sizes, graph.ints(at), graph.ints(at + 1)), graph.ints(0))
        for at in (0, 1)
    )
    zero, one = graph.constant(0, "int64"), graph.constant(1, "int64")
    rows = graph.node("Unsqueeze", graph.node("Range", zero, height, one), graph.ints(1))
    columns = graph.node("Range", zero, width, one)
    place = graph.node("Add", graph.node("Mul", rows, width), columns)
    return graph.node(
        "Add", graph.node("Mul", place, graph.ints(channels)), _channel_numbers(graph, channels)
    )


def _channel_numbers(graph: Graph, channels: int) -> str:
    return graph.constant(np.arange(channels).reshape(-1, 1, 1), "int64")


def _channels(value: Value, call: Call) -> int:
    channels = value.shape[1 if call.operation.data_format == "channels_first" else -1]
    if channels is None:
        raise refuse(call, "reads an unknown number of channels. Give it in keras.Input(shape=...).")
    return channels
