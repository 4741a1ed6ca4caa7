"""Calls of the converters of ONNX operators: inputs by position, attributes by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.messages import joined
from tfdeconv.convert.onnx import activations, nodes, resize, values
from tfdeconv.convert.onnx.attributes import OnnxNode
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError, InvalidArgumentError

STEPS: dict[str, Callable[..., list[Step]]] = {
    **nodes.RULES,
    "Resize": resize.resize,
    "Upsample": resize.upsample,
}
"""Operators of one tensor of samples."""

VALUES = values.RULES
"""Operators that join, split, move or reshape tensors."""


def node_steps(node: OnnxNode, arrays: Sequence[Any], data_format: str) -> list[Step]:
    """Return the steps that compute a node on its own, with the arrays of its inputs but the first.

    Raises:
        ConversionError: The node has no exact equivalent, or needs the graph that it is part of.

    Example:
        >>> node = OnnxNode("DepthToSpace", attributes={"blocksize": 3})
        >>> node_steps(node, [], "channels_last")[0].factor
        (3, 3)
    """
    if node.op_type in ("Identity", "Dropout"):
        values.RULES[node.op_type](None, None, *arrays, **node.attributes)
        return []
    if node.op_type not in STEPS:
        raise ConversionError(
            f"{node} has no converter for a node on its own. Converted are: {', '.join(sorted(STEPS))}; in a "
            f"model also {', '.join(sorted(VALUES))}."
        )
    dtype = next((array.dtype.name for array in arrays if getattr(array, "dtype", None) is not None), None)
    ranks = [array.ndim - 2 for array in arrays[:1] if node.op_type.startswith("Conv") and array is not None]
    place = Place(data_format, ranks[0] if ranks else None, dtype=dtype, name=layer_name(node))
    return _called(node, STEPS[node.op_type], place, arrays, source=None)


def node_value(node: OnnxNode, inputs: Sequence[Any], name: str | None) -> Any:
    """Return the outputs of a node of a graph: a value, or a tuple of several outputs.

    Raises:
        ConversionError: The node has no exact equivalent.
    """
    if node.op_type in VALUES:
        return _called(node, VALUES[node.op_type], name, inputs, source=None)
    if node.op_type not in STEPS:
        known = ", ".join(sorted({*STEPS, *VALUES}))
        raise ConversionError(f"{node} has no converter. Converted are: {known}.")
    value = inputs[0]
    if not isinstance(value, Value):
        raise ConversionError(f"{node} takes a constant, or sizes, as its data.")
    steps = _called(node, STEPS[node.op_type], value.place(name), inputs[1:], source=value)
    return value.everywhere(steps) if node.op_type in activations.RULES else value.through(steps)


def layer_name(node: OnnxNode) -> str | None:
    """The node's name where Keras can use it: names there hold no slash."""
    return node.name.strip("/").replace("/", ".") or None


def _called(node: OnnxNode, rule: Callable[..., Any], first: Any, inputs: Sequence[Any], source: Any) -> Any:
    told = {"opset": node.opset, "outputs": node.outputs, "source": source}
    parameters = _parameters(rule)
    keywords = {**node.attributes, **{key: value for key, value in told.items() if key in parameters}}
    unknown = [
        key for key in node.attributes if key in told or (key not in parameters and "**" not in parameters)
    ]
    if unknown:
        raise ConversionError(
            f"{node} has the attribute {unknown[0]}={node.attributes[unknown[0]]!r}, which is not understood "
            f"in opset {node.opset}."
        )
    try:
        inspect.signature(rule).bind(first, *inputs, **keywords)
    except TypeError as error:
        raise ConversionError(f"{node} is used in a way that has no converter: {error}.") from None
    try:
        return rule(first, *inputs, **keywords)
    except ConversionError as error:
        raise ConversionError(joined(str(node), str(error))) from error
    except InvalidArgumentError as error:  # arguments that no layer takes
        raise ConversionError(f"{node}: {error}") from error


@cache
def _parameters(rule: Callable[..., Any]) -> frozenset[str]:
    """The attributes that a rule takes; "**" where it looks at all of them itself."""
    found = inspect.signature(rule).parameters.values()
    names = {p.name for p in found if p.kind in (p.KEYWORD_ONLY,)}
    return frozenset(names | ({"**"} if any(p.kind is p.VAR_KEYWORD for p in found) else set()))
