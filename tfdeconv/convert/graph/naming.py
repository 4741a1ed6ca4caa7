"""Names of the operations of a functional model that Keras chose, kept apart from those of the source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


def operations_behind(tensors: Iterable[Any]) -> list[Any]:
    """Return the layers and operations that symbolic Keras tensors are computed by.

    Example:
        >>> x = keras.Input([2], name="x")
        >>> [operation.name for operation in operations_behind([keras.layers.ReLU(name="y")(x)])]
        ['y', 'x']
    """
    found: dict[int, Any] = {}
    waiting = list(tensors)
    while waiting:
        history = waiting.pop()._keras_history
        if id(history.operation) not in found:
            found[id(history.operation)] = history.operation
            for node in history.operation._inbound_nodes:
                waiting.extend(node.input_tensors)
    return list(found.values())


def make_names_distinct(tensors: Iterable[Any]) -> None:
    """Rename operations that share their name with another; layers with weights keep theirs.

    A source may call a convolution "add", which is also Keras's own name for a sum.
    """
    operations = operations_behind(tensors)
    operations.sort(key=lambda each: not (isinstance(each, keras.layers.Layer) and each.weights))
    taken = {operation.name for operation in operations}
    seen: set[str] = set()
    for operation in operations:
        if operation.name in seen:
            count = 1
            while f"{operation.name}_{count}" in taken:
                count += 1
            operation.name = f"{operation.name}_{count}"
            taken.add(operation.name)
        seen.add(operation.name)
