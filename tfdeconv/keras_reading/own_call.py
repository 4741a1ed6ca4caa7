"""Whether a class derived from a known one still computes what that one computes."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

Call = TypeVar("Call")

COMPUTING = ("call", "__call__", "convolution_op", "kernel")
"""What decides the numbers of a layer: Keras's convolutions leave ``convolution_op`` and ``kernel`` to be
overridden, for standardised weights or partial convolutions."""


def computes_its_base(call: Call) -> Call:
    """Mark a ``call`` that gives the numbers of the class it is derived from, by other means.

    Example:
        >>> class Halved(keras.layers.ReLU):
        ...     @computes_its_base
        ...     def call(self, inputs):
        ...         return (keras.ops.abs(inputs) + inputs) / 2
        >>> computes_like(Halved(), keras.layers.ReLU)
        True
    """
    call.computes_its_base = True  # type: ignore[attr-defined]
    return call


def computes_like(layer: Any, known: type) -> bool:
    """Return whether ``layer`` is a ``known`` one whose class overrides nothing of :data:`COMPUTING`.

    A derived class may compute something else: equalised learning rates, spectral normalisation.

    Example:
        >>> class Louder(keras.layers.Conv1D):
        ...     def call(self, inputs):
        ...         return 2 * super().call(inputs)
        >>> computes_like(keras.layers.Conv1D(1, 3), keras.layers.Conv1D)
        True
        >>> computes_like(Louder(1, 3), keras.layers.Conv1D)
        False
    """
    kind: Any = type(layer)
    return issubclass(kind, known) and all(
        (own := getattr(kind, name, None)) is getattr(known, name, None) or hasattr(own, "computes_its_base")
        for name in COMPUTING
    )


def overridden_base(layer: Any, telling: str) -> type | None:
    """Return the class whose attribute ``telling`` is about its own ``call``, which ``layer`` has replaced.

    None where the layer's class tells it by itself, inherits the ``call`` as well, or the attribute comes of
    a class that is no layer or has no ``call``.

    Example:
        >>> class Local(keras.layers.ReLU):
        ...     is_local = True
        >>> class Mixing(Local):
        ...     def call(self, inputs):
        ...         return super().call(inputs) - keras.ops.mean(inputs)
        >>> overridden_base(Mixing(), "is_local")
        <class 'tfdeconv.keras_reading.own_call.Local'>
        >>> overridden_base(Local(), "is_local") is None
        True
    """
    telling_class: Any = next((kind for kind in type(layer).__mro__ if telling in vars(kind)), None)
    if telling_class is None or not issubclass(telling_class, keras.layers.Layer):
        return None
    has_call = telling_class.call is not keras.layers.Layer.call
    return telling_class if has_call and not computes_like(layer, telling_class) else None
