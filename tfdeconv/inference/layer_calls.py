"""How the layers of one graph call one another."""

from __future__ import annotations

from typing import Any

import keras


def calls_of(model: keras.Model) -> dict[int, list[Any]]:
    """Map the id of an operation to its calls in this model; it may be called in other models as well."""
    nodes: dict[int, list[Any]] = {}
    for depth in model._nodes_by_depth.values():
        for node in depth:
            nodes.setdefault(id(node.operation), []).append(node)
    return nodes


def readers_of(model: keras.Model) -> dict[int, list[Any]]:
    """Map the id of a tensor to the operations that read it in this model, once for each call."""
    readers: dict[int, list[Any]] = {}
    for node in (node for calls in calls_of(model).values() for node in calls):
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), []).append(node.operation)
    return readers


def called_with_input_alone(layer: keras.Layer) -> bool:
    """Whether every call gave the input alone: no ``output_shape``, ``like`` or ``training=True``."""
    return all(
        len(node.arguments.args) <= 1
        and all(
            value is None or name == "inputs" or (name == "training" and value is False)
            for name, value in node.arguments.kwargs.items()
        )
        for node in layer._inbound_nodes
    )
