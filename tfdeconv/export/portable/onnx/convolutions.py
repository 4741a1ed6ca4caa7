"""Convolutions, matrix products and the polyphase form of upsampling layers as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy.typing as npt

from tfdeconv import geometry
from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.activations import activate
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, rule
from tfdeconv.layers import convolution


@rule(*convolution.KERAS.values(), *convolution.OWN.values())
def _convolution(graph: Graph, call: Call) -> Value:
    layer = call.operation
    rank = len(layer.kernel_size)
    kernel = array(layer.kernel)
    weight = kernel.transpose([rank + 1, rank, *range(rank)])
    return _finish(graph, call, _conv(graph, call, one_input(call), weight, array(layer.bias), layer.groups))


@rule(keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
def _depthwise(graph: Graph, call: Call) -> Value:
    layer = call.operation
    weight = _depthwise_weight(array(layer.kernel))
    channels = layer.kernel.shape[-2]
    return _finish(graph, call, _conv(graph, call, one_input(call), weight, array(layer.bias), channels))


@rule(keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
def _separable(graph: Graph, call: Call) -> Value:
    layer = call.operation
    depthwise = array(layer.depthwise_kernel)
    name = _conv(graph, call, one_input(call), _depthwise_weight(depthwise), None, depthwise.shape[-2])
    rank = depthwise.ndim - 2
    pointwise = array(layer.pointwise_kernel).transpose([rank + 1, rank, *range(rank)])
    inputs = [name, graph.constant(pointwise)]
    if layer.bias is not None:
        inputs.append(graph.constant(array(layer.bias)))
    return _finish(graph, call, graph.node("Conv", *inputs))


def _depthwise_weight(kernel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``[*kernel_size, channels, multiplier]`` -> ``[channels * multiplier, 1, *kernel_size]``."""
    rank = kernel.ndim - 2
    moved = kernel.transpose([rank, rank + 1, *range(rank)])
    return moved.reshape(-1, 1, *kernel.shape[:rank])


def _conv(
    graph: Graph,
    call: Call,
    value: Value,
    weight: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    groups: int,
) -> str:
    layer = call.operation
    rank = weight.ndim - 2
    strides, rates = _per_axis(layer.strides, rank), _per_axis(layer.dilation_rate, rank)
    inputs = [graph.spatial(value, layer.data_format), graph.constant(weight)]
    if bias is not None:
        inputs.append(graph.constant(bias))
    sizes = value.shape[2:] if layer.data_format == "channels_first" else value.shape[1:-1]
    return graph.node(
        "Conv",
        *inputs,
        strides=strides,
        dilations=rates,
        group=groups,
        **padding(layer.padding, sizes, weight.shape[2:], strides, rates),
    )


def padding(
    name: str,
    sizes: Sequence[int | None],
    kernel_size: Sequence[int],
    strides: Sequence[int],
    dilation_rate: Sequence[int],
) -> dict[str, Any]:
    """Return the attributes of ONNX's convolutions and poolings that pad as TensorFlow does.

    Example:
        >>> padding("same", [None, 5], (3, 4), (2, 1), (1, 1))
        {'auto_pad': 'SAME_UPPER'}
        >>> padding("same", [5, None], (3, 4), (1, 1), (1, 1))
        {'pads': [1, 1, 1, 2]}
    """
    before, after = [], []
    for size, taps, stride, rate in zip(sizes, kernel_size, strides, dilation_rate, strict=True):
        taps = geometry.effective_kernel_size(taps, rate)
        if name == "valid":
            total = lead = 0
        elif name == "causal":
            total = lead = taps - 1
        elif size is None and stride > 1:  # depends on the size; convolutions of such a stride do not dilate
            return {"auto_pad": "SAME_UPPER"}
        else:
            outputs = 1 if size is None else math.ceil(size / stride)
            total = max((outputs - 1) * stride + taps - (1 if size is None else size), 0)
            lead = total // 2
        before.append(lead)
        after.append(total - lead)
    return {"pads": [*before, *after]}


def _finish(graph: Graph, call: Call, name: str) -> Value:
    layer = call.operation
    value = graph.images(name, call.outputs[0], layer.data_format)
    return activate(graph, call, value, layer.activation)


@rule(keras.layers.Dense)
def _dense(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    kernel = graph.constant(array(layer.kernel))
    bias = array(layer.bias)
    if value.rank == 2 and bias is not None:
        name = graph.node("Gemm", value.name, kernel, graph.constant(bias))
    else:
        name = graph.node("MatMul", graph.name(value, moved=False), kernel)
        if bias is not None:
            name = graph.node("Add", name, graph.constant(bias))
    result = Value(name, tuple(call.outputs[0].shape), value.dtype)
    return activate(graph, call, result, layer.activation)


def array(weight: Any) -> Any:
    """Return a weight as an array; None stays None."""
    return None if weight is None else keras.ops.convert_to_numpy(weight)


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)
