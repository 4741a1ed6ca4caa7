"""Walking a Keras functional graph from a tensor back to what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


def made_by(tensor: Any) -> str:
    """Return the quoted name of the layer that made ``tensor``, and its class.

    Example:
        >>> made_by(keras.layers.ReLU(name="act")(keras.Input([4, 4, 1])))
        "'act' (ReLU)"
    """
    return named(tensor._keras_history.operation)


def named(operation: Any) -> str:
    """Return the quoted name of a layer, and its class.

    Example:
        >>> named(keras.layers.ReLU(name="act"))
        "'act' (ReLU)"
    """
    return "an input" if operation is None else f"{operation.name!r} ({type(operation).__name__})"


def ancestors(output: Any) -> list[Any]:
    """Return ``output`` and every tensor that its values come from, each after all that it leads to.

    Example:
        >>> x = keras.Input([4, 4, 1])
        >>> y = keras.layers.ReLU()(x)
        >>> [tensor is expected for tensor, expected in zip(ancestors(y), [y, x])]
        [True, True]
    """
    order: list[Any] = []
    seen: set[Any] = set()
    stack = [(output, False)]
    while stack:  # depth first, without recursion: graphs are deeper than Python's stack
        tensor, finished = stack.pop()
        if finished:
            order.append(tensor)
        elif tensor not in seen:
            seen.add(tensor)
            stack.append((tensor, True))
            stack.extend((source, False) for source in sources(tensor))
    return order[::-1]


def is_channels_first(tensors: Iterable[Any]) -> bool:
    """Return whether the graph that made ``tensors`` is channels first, by the first layer that says so.

    Example:
        >>> pool = keras.layers.MaxPooling2D(data_format="channels_first")
        >>> is_channels_first([pool(keras.Input([3, 8, 8]))])
        True
    """
    for tensor in tensors:
        data_format = getattr(tensor._keras_history.operation, "data_format", None)
        if data_format is not None:
            return bool(data_format == "channels_first")
    return bool(keras.config.image_data_format() == "channels_first")


def sources(tensor: Any) -> list[Any]:
    """Return the tensors that the values of ``tensor`` directly come from.

    Example:
        >>> x = keras.Input([4, 4, 1])
        >>> sources(keras.layers.ReLU()(x))[0] is x
        True
    """
    operation, node_index, _ = tensor._keras_history
    if operation is None or isinstance(operation, keras.layers.InputLayer):
        return []
    inputs: list[Any] = operation._inbound_nodes[node_index].input_tensors
    if hasattr(operation, "coordinate_map"):
        return inputs[:1]  # further tensors only lend such a layer their size or place
    return inputs
