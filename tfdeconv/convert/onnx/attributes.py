"""Attributes and arrays of ONNX nodes; single nodes are read without the package onnx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfdeconv.errors import ConversionError
from tfdeconv.extras import require

FIELDS = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints"}
"""AttributeProto.type -> the field that holds the value (ONNX's AttributeType)."""

TENSOR = 4


@dataclass(frozen=True)
class OnnxNode:
    """One ONNX node.

    Attributes:
        op_type: The operator, for example "ConvTranspose".
        name: The node's name; may be empty.
        attributes: Attribute name -> number, string, list or array.
        opset: The version of the operator set.
        outputs: How many outputs the node has.
    """

    op_type: str
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 13
    outputs: int = 1

    def __str__(self) -> str:
        return f"Node {self.name!r} ({self.op_type})" if self.name else f"A node ({self.op_type})"


def read_node(proto: Any, opset: int) -> OnnxNode:
    """Return the node of an ``onnx.NodeProto``.

    Raises:
        ConversionError: The operator is none of ONNX's own.

    Example:
        >>> from types import SimpleNamespace as Proto
        >>> str(read_node(Proto(op_type="Relu", name="act", attribute=[]), opset=13))
        "Node 'act' (Relu)"
    """
    attributes = {attribute.name: attribute_value(attribute) for attribute in proto.attribute}
    outputs = sum(bool(name) for name in getattr(proto, "output", ["y"]))
    node = OnnxNode(proto.op_type, proto.name, attributes, opset, outputs)
    domain = getattr(proto, "domain", "")
    if domain not in ("", "ai.onnx"):
        raise ConversionError(f"{node} is of the domain {domain!r}; only ONNX's own operators are converted.")
    return node


def attribute_value(attribute: Any) -> Any:
    """Return the value of an ``onnx.AttributeProto``; strings are decoded, lists are lists.

    Raises:
        ConversionError: The attribute holds something that no converted operator has.

    Example:
        >>> from types import SimpleNamespace as Proto
        >>> attribute_value(Proto(name="strides", type=7, ints=(2, 2)))
        [2, 2]
    """
    if attribute.type == TENSOR:
        helper = require("onnx.numpy_helper", extra="convert", feature="Reading an ONNX tensor")
        return helper.to_array(attribute.t)
    if attribute.type not in FIELDS:
        raise ConversionError(
            f"Attribute {attribute.name!r} has the type {attribute.type}, which is not read."
        )
    value = getattr(attribute, FIELDS[attribute.type])
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, int | float | str) else list(value)
