"""TensorFlow's element types: their numbers on the wire, their names and their NumPy types.

Source: ``tensorflow/core/framework/types.proto``.
"""

from __future__ import annotations

import numpy as np

from tfdeconv._extras import require
from tfdeconv.errors import UnimplementedError

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
    14: ("DT_BFLOAT16", "bfloat16"),
    17: ("DT_UINT16", "uint16"),
    18: ("DT_COMPLEX128", "complex128"),
    19: ("DT_HALF", "float16"),
    22: ("DT_UINT32", "uint32"),
    23: ("DT_UINT64", "uint64"),
}
NUMBERS = {name: number for number, (_, name) in _TYPES.items()}
_NAMES_BY_NUMBER = {number: name for number, (_, name) in _TYPES.items()}
_NAMES_BY_LABEL = dict(_TYPES.values())


def name_of(data_type: int | str) -> str:
    """Return TensorFlow's name of a type given as its number (gRPC) or ``DT_`` name (REST).

    A type that this client cannot carry keeps its ``DT_`` name or number, so that metadata stays readable.

    Example:
        >>> name_of(1), name_of("DT_STRING"), name_of("DT_RESOURCE")
        ('float32', 'string', 'DT_RESOURCE')
    """
    if isinstance(data_type, str):
        return _NAMES_BY_LABEL.get(data_type, data_type)
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
    if name not in NUMBERS:
        raise UnimplementedError(f"Tensors of type {name} cannot be sent or received by this client.")
    return np.dtype(name)
