"""Functional Keras models from ONNX graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.graph.naming import make_names_distinct
from tfdeconv.convert.graph.values import Order, Value, image_order
from tfdeconv.convert.messages import one_line
from tfdeconv.convert.onnx.attributes import read_node
from tfdeconv.convert.onnx.calls import layer_name, node_value
from tfdeconv.convert.onnx.folding import RANDOM, fold, fold_sizes, has_unknown, sizes_array
from tfdeconv.convert.onnx.shapes import GroupedView, constant_tensor
from tfdeconv.convert.onnx.split_axes import SplitView
from tfdeconv.convert.onnx.unpooling import NOT_UNDERSTOOD, Flattened, Switches
from tfdeconv.errors import ConversionError, MissingExtraError
from tfdeconv.extras import require


def graph_model(model: Any, data_format: str) -> keras.Model:
    """Return the functional model that an ``onnx.ModelProto`` describes.

    Raises:
        ConversionError: A node has no exact equivalent.
    """
    if model.functions:
        inliner = require("onnx.inliner", extra="convert", feature="Reading an ONNX model")
        model = inliner.inline_local_functions(model)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 13)
    graph = model.graph
    reader = _Graph(opset, data_format)
    reader.read_constants(graph)
    inputs = [reader.add_input(value, graph) for value in graph.input if value.name not in reader.found]
    if not inputs:
        raise ConversionError("The model has no input.")
    reader.read_nodes(graph)
    outputs = [reader.output(value.name, graph) for value in graph.output]
    if not outputs:
        raise ConversionError("The model has no output.")
    make_names_distinct(outputs)
    return keras.Model(
        inputs[0] if len(inputs) == 1 else inputs,
        outputs[0] if len(outputs) == 1 else outputs,
        name=_keras_name(graph.name) or None,
    )


class _Graph:
    """What is known of the tensors of a graph while its nodes are read one after another."""

    def __init__(self, opset: int, data_format: str) -> None:
        self.opset, self.data_format = opset, data_format
        self.found: dict[str, Any] = {"": None}
        self.names: Counter[str] = Counter()

    def read_constants(self, graph: Any) -> None:
        helper = require("onnx.numpy_helper", extra="convert", feature="Reading an ONNX model")
        if graph.sparse_initializer:
            raise ConversionError("The model has sparse initializers, which are not read.")
        for tensor in graph.initializer:
            self.found[tensor.name] = helper.to_array(tensor)

    def add_input(self, value: Any, graph: Any) -> Any:
        """The Keras input of a graph's input."""
        helper = require("onnx.helper", extra="convert", feature="Reading an ONNX model")
        kind = value.type.tensor_type
        if not kind.HasField("shape") or not kind.elem_type:
            raise ConversionError(f"Input {value.name!r} has no shape; give it one of named or fixed sizes.")
        shape = [dim.dim_value or None for dim in kind.shape.dim]
        if not shape:
            raise ConversionError(f"Input {value.name!r} is a number; only batches are converted.")
        users = [node for node in graph.node if value.name in node.input]
        order = self._order(len(shape), users, to_channels_first=True)
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
        tensor = keras.Input(
            batch_shape=tuple(shape[axis] for axis in order), dtype=dtype, name=_keras_name(value.name)
        )
        self.found[value.name] = Value(tensor, order, self.data_format)
        return tensor

    def _order(self, rank: int, nodes: Sequence[Any], *, to_channels_first: bool) -> Order:
        """How a Keras input or output holds the axes: in the model's layout, whichever ONNX's is."""
        first = image_order(rank, "channels_first")
        last = image_order(rank, "channels_last")
        perm = last if not to_channels_first else tuple(last.index(axis) for axis in range(rank))
        channels_last = (
            rank >= 3
            and bool(nodes)
            and all(
                node.op_type == "Transpose"
                and tuple(read_node(node, self.opset).attributes.get("perm", ())) == perm
                for node in nodes
            )
        )
        if not channels_last:
            return image_order(rank, self.data_format)
        return (
            first if self.data_format == "channels_last" else tuple(last.index(axis) for axis in range(rank))
        )

    def output(self, name: str, graph: Any) -> Any:
        """The Keras output of a graph's output."""
        value = self._lookup(name, "The model's outputs")
        if isinstance(value, SplitView | GroupedView):
            value = value.tensor
        if not isinstance(value, Value):
            raise ConversionError(f"Output {name!r} is no tensor that is computed from the input.")
        makers = [node for node in graph.node if name in node.output]
        return value.ordered(self._order(value.rank, makers, to_channels_first=False))

    def _lookup(self, name: str, what: str) -> Any:
        if name not in self.found:
            raise ConversionError(f"{what}: the tensor {name!r} is not computed by a node that is converted.")
        return self.found[name]

    def read_nodes(self, graph: Any) -> None:
        for proto in graph.node:
            if proto.op_type == "If":
                self._branch(proto)
                continue
            node = read_node(proto, self.opset)
            inputs = [self._lookup(name, str(node)) for name in proto.input]
            while inputs and inputs[-1] is None:
                inputs.pop()
            try:
                results = self._results(proto, node, inputs)
            except (ConversionError, MissingExtraError):
                raise
            except Exception as error:  # whatever NumPy, Keras and TensorFlow say of a node that fits nowhere
                raise ConversionError(f"{node} does not fit its inputs: {one_line(error)}") from error
            for name, result in zip(proto.output, results, strict=False):
                if name:
                    self.found[name] = result

    def _results(self, proto: Any, node: Any, inputs: list[Any]) -> Sequence[Any]:
        constants = all(value is None or isinstance(value, np.ndarray) for value in inputs)
        if constants and node.op_type not in RANDOM:
            if not any(map(has_unknown, inputs)):
                padded = [*inputs, *[None] * (len(proto.input) - len(inputs))]
                return fold(proto, padded, self.opset)
            made = constant_tensor(node.op_type, inputs, node.attributes)
            if made is not None:
                return [made]
            folded = fold_sizes(node.op_type, inputs, node.attributes)
            if folded is None:
                raise ConversionError(
                    f"{node} computes with sizes of the input that are unknown. Give the input fixed sizes."
                )
            return [folded]
        if any(map(has_unknown, inputs)) and node.op_type not in TAKE_SIZES:
            raise ConversionError(
                f"{node} depends on sizes of the input that are unknown. Give the input fixed sizes."
            )
        if isinstance(inputs[0], Switches | Flattened) and node.op_type not in TAKE_SWITCHES:
            raise ConversionError(f"{node} {NOT_UNDERSTOOD}")
        inputs = [
            value.tensor if node.op_type not in KEEP_VIEWS.get(type(value), (node.op_type,)) else value
            for value in inputs
        ]
        result = node_value(node, inputs, self._name(node))
        if node.op_type == "Shape":
            return [sizes_array(result)]
        return result if isinstance(result, tuple) else [result]

    def _name(self, node: Any) -> str | None:
        """A name for the node's layer that no other layer has."""
        name = layer_name(node)
        if name is None:
            return None
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name}_{self.names[name]}"

    def _branch(self, proto: Any) -> None:
        """An If whose condition is constant: the branch that is taken."""
        condition = self._lookup(proto.input[0], f"Node {proto.name!r} (If)")
        if not isinstance(condition, np.ndarray) or has_unknown(condition):
            raise ConversionError(
                f"Node {proto.name!r} (If) has a condition that depends on the input, which has no layer."
            )
        wanted = "then_branch" if bool(condition.ravel()[0]) else "else_branch"
        branch = next(attribute.g for attribute in proto.attribute if attribute.name == wanted)
        self.read_constants(branch)
        self.read_nodes(branch)
        for name, inner in zip(proto.output, branch.output, strict=True):
            self.found[name] = self._lookup(inner.name, f"Node {proto.name!r} (If)")


TAKE_SWITCHES = ("Add", "Identity", "Reshape", "ScatterND", "Slice", "Sub", "Unsqueeze")
"""Operators by which indices and flattened tensors come from a pooling to an unpooling."""

KEEP_VIEWS: dict[type, tuple[str, ...]] = {
    SplitView: ("Identity", "Reshape", "Transpose"),
    GroupedView: ("Identity", "InstanceNormalization", "Reshape"),
}
"""Operators that take an image whose axes are seen as others; others take the tensor."""

TAKE_SIZES = (
    "Add", "Div", "Expand", "Gather", "MaxUnpool", "Mul", "Pad", "Reshape", "Resize", "Slice", "Sub",
)  # fmt: skip
"""Operators that can do with sizes that are unknown, or say which."""


def _keras_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
