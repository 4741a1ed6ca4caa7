"""TensorFlow's element types: their numbers on the wire, their names, and the NumPy types of their values.

Source: ``tensorflow/core/framework/types.proto``.
"""

from __future__ import annotations

import functools

import numpy as np

from tfdeconv.extras import require

# Number in DataType -> (name in DataType without DT_, TensorFlow's name in Python)
_TYPES = {
    1: ("FLOAT", "float32"),
    2: ("DOUBLE", "float64"),
    3: ("INT32", "int32"),
    4: ("UINT8", "uint8"),
    5: ("INT16", "int16"),
    6: ("INT8", "int8"),
    7: ("STRING", "string"),
    8: ("COMPLEX64", "complex64"),
    9: ("INT64", "int64"),
    10: ("BOOL", "bool"),
    11: ("QINT8", "qint8"),
    12: ("QUINT8", "quint8"),
    13: ("QINT32", "qint32"),
    14: ("BFLOAT16", "bfloat16"),
    15: ("QINT16", "qint16"),
    16: ("QUINT16", "quint16"),
    17: ("UINT16", "uint16"),
    18: ("COMPLEX128", "complex128"),
    19: ("HALF", "float16"),
    20: ("RESOURCE", "resource"),
    21: ("VARIANT", "variant"),
    22: ("UINT32", "uint32"),
    23: ("UINT64", "uint64"),
    24: ("FLOAT8_E5M2", "float8_e5m2"),
    25: ("FLOAT8_E4M3FN", "float8_e4m3fn"),
    26: ("FLOAT8_E4M3FNUZ", "float8_e4m3fnuz"),
    27: ("FLOAT8_E4M3B11FNUZ", "float8_e4m3b11fnuz"),
    28: ("FLOAT8_E5M2FNUZ", "float8_e5m2fnuz"),
    29: ("INT4", "int4"),
    30: ("UINT4", "uint4"),
    31: ("INT2", "int2"),
    32: ("UINT2", "uint2"),
    33: ("FLOAT4_E2M1FN", "float4_e2m1fn"),
}
NUMBERS = {name: number for number, (_, name) in _TYPES.items()}
"""TensorFlow's name -> number."""

_NAMES_BY_LABEL = {f"DT_{label}": name for label, name in _TYPES.values()}
# One integer in a structure, so that NumPy does not take it for the integer.
_QUANTIZED = {"qint8": "i1", "quint8": "u1", "qint16": "i2", "quint16": "u2", "qint32": "i4"}
_WITHOUT_VALUES = {"resource", "variant"}
# A reference to a variable of type n, as TensorFlow 1's graphs have them, is n + 100.
_REFERENCES = 100

FLOAT, DOUBLE, STRING, BOOL = 1, 2, 7, 10
INT64, UINT32, UINT64 = 9, 22, 23
HALF, BFLOAT16, COMPLEX64, COMPLEX128 = 19, 14, 8, 18
INT_VAL_TYPES = frozenset({3, 4, 5, 6, 11, 12, 13, 15, 16, 17, 29, 30})
"""Types that a TensorProto carries in ``int_val``, as 32-bit integers whatever their own width."""

HALF_VAL_TYPES = frozenset({HALF, BFLOAT16})
"""Types that a TensorProto carries in ``half_val``, as bit patterns."""

MAX_RANK = 64
"""NumPy's limit; TensorFlow's own is 254."""


def name_of(dtype: int | str) -> str:
    """Return TensorFlow's name of a type given as its number (gRPC) or ``DT_`` name (REST).

    Example:
        >>> name_of(1), name_of("DT_STRING"), name_of(20)
        ('float32', 'string', 'resource')
    """
    if isinstance(dtype, str):
        return _NAMES_BY_LABEL.get(dtype, f"data type {dtype}")
    return _TYPES[dtype][1] if dtype in _TYPES else f"data type {dtype}"


def cpp_name(dtype: int) -> str:
    """Return the name that TensorFlow's C++ prints: ``float``, ``int32``, ``string``.

    Args:
        dtype: A ``tensorflow.DataType`` enum value.

    Example:
        >>> cpp_name(1), cpp_name(101)
        ('float', 'float_ref')
    """
    if dtype in _TYPES:
        return _TYPES[dtype][0].lower()
    if dtype - _REFERENCES in _TYPES:
        return f"{_TYPES[dtype - _REFERENCES][0].lower()}_ref"
    return "invalid" if dtype == 0 else f"unknown dtype enum ({dtype})"


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
    name = _TYPES[dtype][1] if dtype in _TYPES else "resource"
    if name in _WITHOUT_VALUES:
        return None
    if name == "string":
        return np.dtype(object)
    if name in _QUANTIZED:
        return np.dtype([(name, _QUANTIZED[name])])
    try:
        return np.dtype(name)
    except TypeError:
        ml_dtypes = require("ml_dtypes", extra="serving", feature=f"A tensor of {name}")
        found = getattr(ml_dtypes, name, None)  # an older ml_dtypes lacks the newest types
        return None if found is None else np.dtype(found)


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
    native = dtype.newbyteorder("=")
    for number in _TYPES:
        if numpy_dtype(number) == native:
            return number
    raise TypeError(f"TensorFlow has no type for arrays of {dtype.name}")
