"""ONNX models and single nodes to Keras models and layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tfdeconv.convert.graph.chains import one_layer
from tfdeconv.convert.onnx.attributes import read_node
from tfdeconv.convert.onnx.calls import node_steps
from tfdeconv.convert.onnx.graph import graph_model
from tfdeconv.errors import ConversionError
from tfdeconv.extras import require
from tfdeconv.ops.tensors.data_format import standardize_data_format


def from_onnx(
    model: Any,
    *,
    initializers: Mapping[str, Any] | None = None,
    data_format: str | None = None,
) -> keras.layers.Layer:
    """Return the layer that computes an ONNX node, or the model that computes an ONNX graph.

    Converted are Conv and ConvTranspose (every padding attribute, groups, dilations), normalisations at
    inference, activations, pooling and unpooling, Resize and Upsample, DepthToSpace, Pad, Slice, Concat,
    Split, arithmetic, reductions, MatMul and Gemm with fixed matrices, Transpose, and Reshape behind the
    batch axis. What only computes with constants and sizes is folded. Sizes may be free where shuffles,
    padding to a multiple and crops to the size of another tensor follow them: what
    ``tfdeconv.export_portable`` writes is read back.

    Args:
        model: A ``onnx.ModelProto``, the path of a model file, or one ``onnx.NodeProto``. A node needs
            the package onnx only where it holds tensors itself.
        initializers: For a node: the arrays of its constant inputs by name, for example the weight.
        data_format: Layout of the result, whatever ONNX's is: "channels_last" or "channels_first";
            None: ``keras.config.image_data_format()``.

    Returns:
        For a node a layer of tfdeconv or Keras (a ``keras.Sequential`` where a padding layer is
        needed); for a model a functional ``keras.Model``. Its inputs and outputs of three and more axes,
        channels behind the batch in ONNX, are in the layout of ``data_format``; a graph that transposes
        its own input from channels last takes it as it is.

    Raises:
        ConversionError: A node has no exact equivalent or an attribute that is not understood, a value
            depends on sizes that are unknown, or ``model`` is no ONNX model.
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
    data_format = standardize_data_format(data_format)
    if hasattr(model, "op_type"):
        arrays = [(initializers or {}).get(name) for name in model.input[1:]]
        steps = node_steps(read_node(model, opset=13), arrays, data_format)
        if all(isinstance(step, keras.layers.Layer) for step in steps):
            return one_layer(steps)
        tensor = image = keras.Input((None, None, None))
        for step in steps:
            tensor = step(tensor)
        return keras.Model(image, tensor)
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
    return graph_model(model, data_format)
