"""Attributes and arrays of ONNX nodes; single nodes are read without the package onnx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import ConversionError
from tfdeconv.extras import require

FIELDS = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints"}
"""AttributeProto.type -> the field that holds the value (ONNX's AttributeType)."""

TENSOR = 4


@dataclass(frozen=True)
class OnnxNode:
    """One ONNX node with the arrays that it refers to.

    Attributes:
        op_type: The operator, for example "ConvTranspose".
        name: The node's name; may be empty.
        attributes: Attribute name -> number, string, list or array.
        arrays: The constant inputs by position; None for the data input and for missing ones.
        opset: The version of the operator set.
    """

    op_type: str
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    arrays: tuple[npt.NDArray[Any] | None, ...] = ()
    opset: int = 13

    def __str__(self) -> str:
        return f"Node {self.name!r} ({self.op_type})" if self.name else f"A node ({self.op_type})"

    def array(self, position: int) -> npt.NDArray[Any] | None:
        """Return the constant input at ``position``; None where there is none.

        Example:
            >>> OnnxNode("Relu").array(1) is None
            True
        """
        return self.arrays[position] if position < len(self.arrays) else None

    def needed(self, position: int, what: str) -> npt.NDArray[Any]:
        """Return the constant input at ``position``.

        Raises:
            ConversionError: It is missing, or computed by another node.

        Example:
            >>> OnnxNode("Conv", arrays=(None, np.zeros([1]))).needed(1, "weight").shape
            (1,)
        """
        array = self.array(position)
        if array is None:
            raise ConversionError(
                f"{self} needs a constant {what} (input {position}). For a node on its own give it in "
                "initializers={name: array}."
            )
        return array


def read_node(proto: Any, initializers: Mapping[str, Any], opset: int) -> OnnxNode:
    """Return the node of an ``onnx.NodeProto``, with its arrays looked up in ``initializers``.

    Example:
        >>> from types import SimpleNamespace as Proto
        >>> relu = Proto(op_type="Relu", name="act", attribute=[], input=["x"])
        >>> str(read_node(relu, {}, opset=13))
        "Node 'act' (Relu)"
    """
    arrays = tuple(np.asarray(initializers[name]) if name in initializers else None for name in proto.input)
    attributes = {attribute.name: attribute_value(attribute) for attribute in proto.attribute}
    return OnnxNode(proto.op_type, proto.name, attributes, arrays, opset)


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
