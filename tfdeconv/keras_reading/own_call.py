"""Whether a class derived from a known one still computes what that one computes."""

from __future__ import annotations

from typing import Any


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
        getattr(kind, name) is getattr(known, name) for name in ("call", "__call__")
    )
