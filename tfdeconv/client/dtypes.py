"""TensorFlow's element types: their numbers on the wire, their names and their NumPy types.

Source: ``tensorflow/core/framework/types.proto``.
"""

from __future__ import annotations

import numpy as np

from tfdeconv.errors import UnimplementedError
from tfdeconv.extras import require

# Number in DataType -> (name in REST metadata, name in TensorFlow).
_TYPES = {
    1: ("DT_FLOAT", "float32"),
    2: ("DT_DOUBLE", "float64"),
    3: ("DT_INT32", "int32"),
    4: ("DT_UINT8", "uint8"),
    5: ("DT_INT16", "int16"),
    6: ("DT_INT8", "int8"),
    7: ("DT_STRING", "string"),
    8: ("DT_COMPLEX64", "complex64"),
    9: ("DT_INT64", "int64"),
    10: ("DT_BOOL", "bool"),
    11: ("DT_QINT8", "qint8"),
    12: ("DT_QUINT8", "quint8"),
    13: ("DT_QINT32", "qint32"),
    14: ("DT_BFLOAT16", "bfloat16"),
    15: ("DT_QINT16", "qint16"),
    16: ("DT_QUINT16", "quint16"),
    17: ("DT_UINT16", "uint16"),
    18: ("DT_COMPLEX128", "complex128"),
    19: ("DT_HALF", "float16"),
    20: ("DT_RESOURCE", "resource"),
    21: ("DT_VARIANT", "variant"),
    22: ("DT_UINT32", "uint32"),
    23: ("DT_UINT64", "uint64"),
}
NUMBERS = {name: number for number, (_, name) in _TYPES.items()}
_NAMES_BY_NUMBER = {number: name for number, (_, name) in _TYPES.items()}
_NAMES_BY_LABEL = dict(_TYPES.values())


def name_of(data_type: int | str) -> str:
    """Return TensorFlow's name of a type given as its number (gRPC) or ``DT_`` name (REST).

    Example:
        >>> name_of(1), name_of("DT_STRING"), name_of(20)
        ('float32', 'string', 'resource')
    """
    if isinstance(data_type, str):
        return _NAMES_BY_LABEL.get(data_type, f"data type {data_type}")
    return _NAMES_BY_NUMBER.get(data_type, f"data type {data_type}")


def numpy_dtype(name: str) -> np.dtype:
    """Return the NumPy type of a TensorFlow type; strings are objects that hold ``bytes``.

    Raises:
        UnimplementedError: The type has no NumPy counterpart (resources, variants, quantised types).

    Example:
        >>> numpy_dtype("float32"), numpy_dtype("string")
        (dtype('float32'), dtype('O'))
    """
    if name == "string":
        return np.dtype(object)
    if name == "bfloat16":
        ml_dtypes = require("ml_dtypes", extra="serving", feature="A bfloat16 tensor")
        return np.dtype(ml_dtypes.bfloat16)
    try:
        return np.dtype(name)
    except TypeError:
        raise UnimplementedError(
            f"Tensors of type {name} cannot be sent or received by this client."
        ) from None
