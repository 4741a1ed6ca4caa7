"""Models whose layers follow one another without a branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def chain_of(model: keras.Model) -> list[keras.layers.Layer] | None:
    """Return the layers of a functional model if each takes the output of the one before, else None.

    Example:
        >>> x = keras.Input([4])
        >>> len(chain_of(keras.Model(x, keras.layers.ReLU()(keras.layers.Dense(2)(x)))))
        2
        >>> chain_of(keras.Model(x, x + keras.layers.ReLU()(x))) is None
        True
    """
    if len(model.inputs) != 1 or isinstance(model.output, dict | list | tuple):
        return None
    layers: list[keras.layers.Layer] = []
    current = model.inputs[0]
    for operation in model.operations[1:]:
        if not isinstance(operation, keras.layers.Layer) or operation in layers:
            return None
        if operation.input is not current or isinstance(operation.output, dict | list | tuple):
            return None
        layers.append(operation)
        current = operation.output
    return layers if model.output is current else None


def chain_or_model(model: keras.Model) -> keras.layers.Layer:
    """Return the one layer of a model, a Sequential of several in a row, or the model itself."""
    layers = chain_of(model)
    return model if layers is None else one_layer(layers)


def one_layer(found: Sequence[Any], name: str | None = None) -> keras.layers.Layer:
    """Return the only layer of ``found``, or a ``keras.Sequential`` of them; Identity for none."""
    if not found:
        return keras.layers.Identity()
    return found[0] if len(found) == 1 else keras.Sequential(list(found), name=name)
