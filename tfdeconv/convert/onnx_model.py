"""ONNX models whose nodes form a chain, and single nodes, to layers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from tfdeconv.convert import equivalents
from tfdeconv.convert.onnx_attributes import attribute_value, read_node
from tfdeconv.convert.onnx_nodes import node_layers
from tfdeconv.errors import ConversionError
from tfdeconv.extras import require
from tfdeconv.ops.data_format import is_channels_first


def from_onnx(
    model: Any,
    *,
    initializers: Mapping[str, Any] | None = None,
    data_format: str | None = None,
) -> keras.layers.Layer:
    """Return the layer that computes an ONNX node, or the model that computes a chain of nodes.

    Converted are ConvTranspose (every padding attribute, groups, dilations), Conv, Resize (linear and
    nearest by integer factors), DepthToSpace, BatchNormalization, Relu, LeakyRelu, Sigmoid, Tanh,
    Identity and Dropout (left out).

    Args:
        model: A ``onnx.ModelProto``, the path of a model file, or one ``onnx.NodeProto``. A node needs
            the package onnx only where it holds tensors itself.
        initializers: For a node: the arrays of its constant inputs by name, for example the weight.
        data_format: Layout of the result, whatever ONNX's is: "channels_last" or "channels_first";
            None: ``keras.config.image_data_format()``.

    Returns:
        For a node a layer of tfdeconv or Keras (a ``keras.Sequential`` where a padding layer is
        needed); for a model a functional ``keras.Model``.

    Raises:
        ConversionError: A node has no exact equivalent, the nodes form no chain, a value depends on
            sizes that are unknown, or ``model`` is no ONNX model.
        MissingExtraError: The package onnx is needed and not installed.

    Example:
        >>> import numpy as np
        >>> from types import SimpleNamespace as Proto  # the fields of an onnx.NodeProto
        >>> strides = Proto(name="strides", type=7, ints=[2, 2])
        >>> node = Proto(op_type="ConvTranspose", name="up", attribute=[strides], input=["x", "w"])
        >>> layer = from_onnx(node, initializers={"w": np.zeros([8, 3, 4, 4], "float32")})
        >>> layer(np.zeros([1, 5, 6, 8], "float32")).shape
        TensorShape([1, 12, 14, 3])

    References:
        ONNX's operator documentation; the windows are ``geometry.onnx_window``.
    """
    data_format = "channels_first" if is_channels_first(data_format) else "channels_last"
    if hasattr(model, "op_type"):
        node = read_node(model, initializers or {}, opset=13)
        found = node_layers(node, None, data_format)
        return equivalents.one_layer(found) if found else keras.layers.Identity()
    if initializers is not None:
        raise ConversionError("initializers belong to a single node; a model holds its own. Leave them out.")
    if isinstance(model, str | os.PathLike):
        onnx = require("onnx", extra="convert", feature="Reading an ONNX file")
        path = str(Path(model))
        try:
            model = onnx.load(path)
        except Exception as error:  # protobuf and onnx raise what they meet in a broken file
            raise ConversionError(f"{path!r} cannot be read as an ONNX model: {error}") from error
    if not hasattr(model, "graph"):
        raise ConversionError(
            f"model must be an ONNX ModelProto, NodeProto or the path of a file; received "
            f"{type(model).__name__}."
        )
    return _chain(model, data_format)


def _chain(model: Any, data_format: str) -> keras.Model:
    helper = require("onnx.numpy_helper", extra="convert", feature="Reading an ONNX model")
    graph = model.graph
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 13)
    arrays = {tensor.name: helper.to_array(tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in arrays]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ConversionError(
            f"The model must have one input and one output; received {len(inputs)} and {len(graph.output)}."
        )
    tensor = image = keras.Input(batch_shape=_shape(inputs[0], data_format))
    current = inputs[0].name
    for proto in graph.node:
        if proto.op_type == "Constant":
            arrays[proto.output[0]] = next(attribute_value(attribute) for attribute in proto.attribute)
            continue
        if proto.input[0] != current:
            raise ConversionError(
                f"Node {proto.name!r} ({proto.op_type}) does not take the output of the node before it "
                f"({current!r}) but {proto.input[0]!r}; only chains of nodes are converted."
            )
        sizes = tensor.shape[2:] if data_format == "channels_first" else tensor.shape[1:-1]
        for layer in node_layers(read_node(proto, arrays, opset), sizes, data_format):
            tensor = layer(tensor)
        current = proto.output[0]
    if current != graph.output[0].name:
        raise ConversionError(
            f"The model's output must be the output of its last node, {current!r}; received "
            f"{graph.output[0].name!r}."
        )
    return keras.Model(image, tensor, name=graph.name or None)


def _shape(value: Any, data_format: str) -> Sequence[int | None]:
    """The shape of a graph input in the layout of the result; None where it is symbolic."""
    batch, channels, *sizes = (dim.dim_value or None for dim in value.type.tensor_type.shape.dim)
    return (batch, channels, *sizes) if data_format == "channels_first" else (batch, *sizes, channels)
