"""A functional model as a sequence of calls, which a target carries out in its own terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfdeconv.inference.rewrite import as_functional


@dataclass(frozen=True)
class Call:
    """One call of a layer, or of an operation of ``keras.ops``.

    Attributes:
        path: The layer's name; ``outer/inner`` in a nested model.
        operation: The layer or operation.
        args: Positional arguments, with values in place of tensors.
        kwargs: Keyword arguments, with values in place of tensors.
        outputs: The symbolic outputs.
    """

    path: str
    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[keras.KerasTensor, ...]


Apply = Callable[[Call], Sequence[Any]]
"""Carries out one call; returns a value for each of its outputs."""


def run(model: keras.Model, inputs: Sequence[Any], apply: Apply, *, prefix: str = "") -> list[Any]:
    """Carry out the calls of the functional ``model`` and of functional models inside, in order.

    No layer is called: nothing is added to the user's graph of layers.

    Args:
        model: A functional model.
        inputs: One value for each of ``model.inputs``.
        apply: What carries out a call.
        prefix: In front of the names of the layers.

    Returns:
        One value for each of ``model.outputs``.

    Example:
        >>> image = keras.Input([4])
        >>> model = keras.Model(image, keras.layers.ReLU(name="clip")(image))
        >>> run(model, ["x"], lambda call: [f"{call.path}({call.args[0]})"])
        ['clip(x)']
    """
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for node in _nodes(model):
        args, kwargs = node.arguments.fill_in(values)
        path = f"{prefix}{node.operation.name}"
        inner = as_functional(node.operation) if isinstance(node.operation, keras.Model) else None
        if inner is None:
            outputs = apply(Call(path, node.operation, args, kwargs, tuple(node.outputs)))
        else:
            given = keras.tree.flatten(args[0] if args else kwargs["inputs"])
            outputs = run(inner, given, apply, prefix=f"{path}/")
        values.update((id(tensor), value) for tensor, value in zip(node.outputs, outputs, strict=True))
    return [values[id(tensor)] for tensor in model.outputs]


@dataclass(frozen=True)
class Operation:
    """A layer, or an operation of ``keras.ops``, where it stands in a model.

    Attributes:
        path: Its name; ``outer/inner`` in a nested model.
        operation: The layer or operation.
        nodes: Its calls in this model.
        owner: The functional model that holds it.
    """

    path: str
    operation: Any
    nodes: tuple[Any, ...]
    owner: keras.Model


def operations(model: keras.Model, *, prefix: str = "") -> Iterator[Operation]:
    """Yield every operation once, those inside nested functional models too, in order.

    Example:
        >>> image = keras.Input([4])
        >>> model = keras.Model(image, keras.layers.ReLU(name="clip")(image))
        >>> [found.path for found in operations(model)]
        ['clip']
    """
    calls: dict[int, list[Any]] = {}
    for node in _nodes(model):
        calls.setdefault(id(node.operation), []).append(node)
    for nodes in calls.values():
        operation = nodes[0].operation
        path = f"{prefix}{operation.name}"
        inner = as_functional(operation) if isinstance(operation, keras.Model) else None
        if inner is None:
            yield Operation(path, operation, tuple(nodes), model)
        else:
            yield from operations(inner, prefix=f"{path}/")


def _nodes(model: keras.Model) -> Iterator[Any]:
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)
