"""The pieces of rewritten layers, and the layers that only move samples, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from tfdeconv import layers
from tfdeconv.export.portable.graph import Call
from tfdeconv.export.portable.onnx.activations import activate
from tfdeconv.export.portable.onnx.graph import END, Graph, Value
from tfdeconv.export.portable.onnx.rules import one_input, refuse, rule
from tfdeconv.export.portable.polyphase import Polyphase
from tfdeconv.export.portable.program import size_request
from tfdeconv.export.portable.rewriting import Piece
from tfdeconv.keras_reading import TransposedConvolution


def write(graph: Graph, call: Call, piece: Piece, value: Value) -> Value:
    """Write the nodes of one piece of a rewritten layer, which reads ``value``."""
    x = graph.spatial(value, piece.data_format)
    if isinstance(piece, TransposedConvolution):
        name = _native(graph, piece, x)
    else:
        name = _polyphase(graph, call, piece, x)
    result = graph.images(name, call.outputs[0], piece.data_format)
    return activate(graph, call, result, piece.activation)


def _polyphase(graph: Graph, call: Call, piece: Polyphase, x: str) -> str:
    rank = piece.rank
    axes = range(2, rank + 2)
    blocks = x
    if piece.repeat_border:
        blocks = graph.node("Pad", blocks, graph.ints(*([0, 0] + [1] * rank) * 2), mode="edge")
    before, after = zip(*piece.pads, strict=True)
    if min(*before, *after) < 0:
        starts, ends = [max(-pad, 0) for pad in before], [min(pad, 0) or END for pad in after]
        blocks = graph.slice(blocks, starts, ends, axes)
    weight = piece.kernel.transpose([rank + 1, rank, *range(rank)])
    bias = [] if piece.bias is None else [graph.constant(piece.bias)]
    pads = [max(pad, 0) for pad in (*before, *after)]
    blocks = graph.node("Conv", blocks, graph.constant(weight), *bias, group=piece.groups, pads=pads)
    y = shuffle(graph, blocks, piece.strides, piece.filters, "DCR" if piece.groups == 1 else "CRD")
    if any(map(any, piece.crops)):
        starts, ends = [start for start, _ in piece.crops], [-end or END for _, end in piece.crops]
        y = graph.slice(y, starts, ends, axes)
    return y if piece.requested is None else _requested(graph, call, piece, x, y)


def shuffle(graph: Graph, x: str, strides: Sequence[int], filters: int, order: str) -> str:
    """Write depth to space along every axis.

    Args:
        graph: The graph.
        x: ``[batch, channels, *blocks]``.
        strides: Phases of each axis.
        filters: Channels of the result.
        order: "DCR" where the phases are outermost in the channels, "CRD" where they are innermost.
    """
    if all(stride == 1 for stride in strides):
        return x
    if len(strides) == 2 and strides[0] == strides[1]:
        return graph.node("DepthToSpace", x, blocksize=strides[0], mode=order)
    rank, phases = len(strides), int(np.prod(strides))
    last = graph.node("Transpose", x, perm=[0, *range(2, rank + 2), 1])
    apart = [*strides, filters] if order == "DCR" else [filters, *strides]
    split = graph.node("Reshape", last, graph.ints(*[0] * (rank + 1), *apart))
    first = rank + 1 if order == "DCR" else rank + 2
    channel = 2 * rank + 1 if order == "DCR" else rank + 1
    pairs = [axis for number in range(rank) for axis in (1 + number, first + number)]
    apart = graph.node("Transpose", split, perm=[0, channel, *pairs])
    grown = graph.node("Mul", graph.node("Shape", x), graph.ints(1, 1, *strides))
    shape = graph.node("Div", grown, graph.ints(1, phases, *[1] * rank))
    return graph.node("Reshape", apart, shape)


def _requested(graph: Graph, call: Call, piece: Polyphase, x: str, y: str) -> str:
    """The window whose size the call asks for."""
    assert piece.requested is not None
    sizes = requested_sizes(graph, call, piece.data_format, piece.rank)
    if sizes is None:
        raise refuse(call, "takes its size from the call, which gives none.")
    leads = [window.lead for window in piece.requested]
    if None in leads:
        effective = [window.kernel_size - window.stride for window in piece.requested]
        inputs = graph.node("Slice", graph.node("Shape", x), graph.ints(2), graph.ints(END))
        strides = graph.ints(*(window.stride for window in piece.requested))
        full = graph.node("Add", graph.node("Mul", inputs, strides), graph.ints(*effective))
        surplus = graph.node("Max", graph.node("Sub", full, sizes), graph.ints(0))
        start = graph.node("Div", surplus, graph.ints(2))
    else:
        start = graph.ints(*(lead for lead in leads if lead is not None))
    end = graph.node("Add", start, sizes)
    return graph.node("Slice", y, start, end, graph.ints(*range(2, piece.rank + 2)))


def requested_sizes(graph: Graph, call: Call, data_format: str, rank: int) -> str | None:
    """Return the name of the vector of sizes that a call asks for; None where it asks for none."""
    output_shape, like = size_request(call)
    if like is not None:
        return graph.sizes(like, data_format)
    if output_shape is None:
        return None
    if isinstance(output_shape, Value):
        return graph.cast(output_shape, "int64").name
    if isinstance(output_shape, list | tuple) and any(isinstance(size, Value) for size in output_shape):
        raise refuse(call, "has an output_shape of several tensors. Give one tensor, ints, or like=.")
    return graph.ints(*np.broadcast_to(np.asarray(output_shape), (rank,)).tolist())


def _native(graph: Graph, convolution: TransposedConvolution, x: str) -> str:
    """ONNX's ConvTranspose, all of it, and its window."""
    geometry = convolution.geometry
    rank = geometry.rank
    kernel = convolution.kernel  # [*kernel_size, filters of a group, channels]
    weight = kernel.transpose([rank + 1, rank, *range(rank)])
    bias = [] if convolution.bias is None else [graph.constant(convolution.bias)]
    leads, tails = zip(*geometry.crops, strict=True)
    return graph.node(
        "ConvTranspose",
        x,
        graph.constant(weight),
        *bias,
        strides=geometry.strides,
        dilations=geometry.dilation_rate,
        group=convolution.groups,
        pads=[*leads, *(max(tail, 0) for tail in tails)],
        output_padding=[max(-tail, 0) for tail in tails],
    )


@rule(layers.PixelShuffle1D, layers.PixelShuffle2D, layers.PixelShuffle3D)
def _pixel_shuffle(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    channels = value.shape[1 if layer.data_format == "channels_first" else -1]
    if channels is None:
        raise refuse(call, "reads an unknown number of channels. Give it in keras.Input(shape=...).")
    filters = channels // int(np.prod(layer.factor))
    name = shuffle(graph, graph.spatial(value, layer.data_format), layer.factor, filters, layer.order.upper())
    return graph.images(name, call.outputs[0], layer.data_format)


@rule(keras.layers.UpSampling1D, keras.layers.UpSampling2D, keras.layers.UpSampling3D)
def _repeat(graph: Graph, call: Call) -> Value:
    layer, value = call.operation, one_input(call)
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise refuse(
            call, f"has interpolation={layer.interpolation!r}; runtimes have 'nearest' and 'bilinear' alike."
        )
    data_format = getattr(layer, "data_format", "channels_last")
    factors = (layer.size,) if isinstance(layer.size, int) else tuple(layer.size)
    scales = graph.constant([1, 1, *factors], "float32")
    name = graph.node(
        "Resize",
        graph.spatial(value, data_format),
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return graph.images(name, call.outputs[0], data_format)


@rule(layers.CropLike)
def _crop_like(graph: Graph, call: Call) -> Value:
    layer = call.operation
    value, reference = call.args[0] if call.args else call.kwargs["inputs"]
    rank = value.rank - 2
    start = graph.ints(*layer._offset(rank))
    end = graph.node("Add", graph.sizes(reference, layer.data_format), start)
    name = graph.node(
        "Slice", graph.spatial(value, layer.data_format), start, end, graph.ints(*range(2, rank + 2))
    )
    return replace(graph.images(name, call.outputs[0], layer.data_format), dtype=value.dtype)
