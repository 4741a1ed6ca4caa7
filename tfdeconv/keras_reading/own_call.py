"""Whether a class derived from a known one still computes what that one computes."""

from __future__ import annotations

from typing import Any, TypeVar

Call = TypeVar("Call")


def computes_its_base(call: Call) -> Call:
    """Mark a ``call`` that gives the numbers of the class it is derived from, by other means.

    Example:
        >>> import keras
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
    """Return whether ``layer`` is a ``known`` one whose class has no ``call`` of its own.

    A derived class may compute something else: equalised learning rates, spectral normalisation.

    Example:
        >>> import keras
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
        (call := getattr(kind, name)) is getattr(known, name) or hasattr(call, "computes_its_base")
        for name in ("call", "__call__")
    )
