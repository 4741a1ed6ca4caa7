"""The element types that this client sends and receives."""

from __future__ import annotations

import numpy as np

from tfdeconv.errors import UnimplementedError
from tfdeconv.wire import dtypes

# Those of quantised graphs and the small ones of accelerators have no use outside a model.
_LEFT_OUT = frozenset(
    {*range(24, 34), *(dtypes.NUMBERS[name] for name in ("qint8", "quint8", "qint16", "quint16", "qint32"))}
)


def numpy_dtype(name: str) -> np.dtype:
    """Return the NumPy type of a TensorFlow type; strings are objects that hold ``bytes``.

    Raises:
        UnimplementedError: The client does not carry the type (resources, variants, quantised types).

    Example:
        >>> numpy_dtype("float32"), numpy_dtype("string")
        (dtype('float32'), dtype('O'))
    """
    number = dtypes.NUMBERS.get(name, 0)
    found = None if number in _LEFT_OUT else dtypes.numpy_dtype(number)
    if found is None:
        raise UnimplementedError(f"Tensors of type {name} cannot be sent or received by this client.")
    return found
