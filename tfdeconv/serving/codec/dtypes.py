"""TensorFlow's data types as enum values, C++ names and NumPy dtypes."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

# NumPy's limit; TensorFlow's own is 254.
MAX_RANK = 64
FLOAT: int = types_pb2.DT_FLOAT
DOUBLE: int = types_pb2.DT_DOUBLE
STRING: int = types_pb2.DT_STRING
BOOL: int = types_pb2.DT_BOOL
UINT32: int = types_pb2.DT_UINT32
INT64: int = types_pb2.DT_INT64
UINT64: int = types_pb2.DT_UINT64
HALF: int = types_pb2.DT_HALF
BFLOAT16: int = types_pb2.DT_BFLOAT16
COMPLEX64: int = types_pb2.DT_COMPLEX64
COMPLEX128: int = types_pb2.DT_COMPLEX128

# Above this are references to variables: types of TensorFlow 1's graphs, not of values.
_REFERENCES = 100

# Types that a TensorProto carries in `int_val`, as 32-bit integers whatever their own width.
INT_VAL_TYPES = frozenset(
    {
        types_pb2.DT_INT32,
        types_pb2.DT_INT16,
        types_pb2.DT_INT8,
        types_pb2.DT_UINT8,
        types_pb2.DT_UINT16,
        types_pb2.DT_QINT8,
        types_pb2.DT_QUINT8,
        types_pb2.DT_QINT32,
        types_pb2.DT_QINT16,
        types_pb2.DT_QUINT16,
        types_pb2.DT_INT4,
        types_pb2.DT_UINT4,
    }
)
HALF_VAL_TYPES = frozenset({HALF, BFLOAT16})


@functools.lru_cache(maxsize=256)
def cpp_name(dtype: int) -> str:
    """Return the name that TensorFlow's C++ prints: ``float``, ``int32``, ``string``.

    Args:
        dtype: A ``tensorflow.DataType`` enum value.

    Example:
        >>> cpp_name(1)
        'float'
    """
    try:
        return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()
    except ValueError:
        return f"unknown dtype enum ({dtype})"


@functools.lru_cache(maxsize=256)
def numpy_dtype(dtype: int) -> np.dtype[np.generic] | None:
    """Return the NumPy dtype of one element, or None where arrays cannot hold the type.

    Strings are object arrays of ``bytes``.

    Args:
        dtype: A ``tensorflow.DataType`` enum value.

    Example:
        >>> numpy_dtype(1)
        dtype('float32')
    """
    if dtype == STRING:
        return np.dtype(object)
    if dtype > _REFERENCES:
        return None
    try:
        found = np.dtype(tf.dtypes.as_dtype(dtype).as_numpy_dtype)
    except (TypeError, KeyError):
        return None
    return None if found.hasobject else found


@functools.lru_cache(maxsize=256)
def enum_of(dtype: np.dtype[np.generic]) -> int:
    """Return the ``tensorflow.DataType`` enum value of a NumPy dtype.

    Args:
        dtype: Any dtype that TensorFlow knows; object, ``S`` and ``U`` mean strings.

    Raises:
        TypeError: TensorFlow has no such type.

    Example:
        >>> enum_of(np.dtype("float64"))
        2
    """
    if dtype.kind in "OSU":
        return STRING
    return int(tf.dtypes.as_dtype(dtype).as_datatype_enum)
