"""NumPy arrays to and from TensorProto messages.

Source: ``tensorflow/core/framework/tensor.proto``: a tensor is either ``tensor_content``, its bytes in
row-major order, or the values of the field of its type, where the last one stands for all that are
missing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.client.values.element_types import numpy_dtype
from tfdeconv.errors import InternalError
from tfdeconv.wire.dtypes import NUMBERS, name_of
from tfdeconv.wire.messages import messages

# Type -> (field with its values, how one element is stored there).
_FIELDS: dict[str, tuple[str, type[np.generic]]] = {
    "float32": ("float_val", np.float32),
    "float64": ("double_val", np.float64),
    "int8": ("int_val", np.int32),
    "int16": ("int_val", np.int32),
    "int32": ("int_val", np.int32),
    "uint8": ("int_val", np.int32),
    "uint16": ("int_val", np.int32),
    "int64": ("int64_val", np.int64),
    "uint32": ("uint32_val", np.uint32),
    "uint64": ("uint64_val", np.uint64),
    "bool": ("bool_val", np.bool_),
    "float16": ("half_val", np.int32),  # bit patterns
    "bfloat16": ("half_val", np.int32),
    "complex64": ("scomplex_val", np.float32),  # real and imaginary parts in turn
    "complex128": ("dcomplex_val", np.float64),
}


def encode(array: NDArray[Any], dtype: str) -> Any:
    """Return the TensorProto of an array whose type is already the NumPy type of ``dtype``.

    Example:
        >>> proto = encode(np.array([[1, 2]], np.int32), "int32")
        >>> proto.dtype, len(proto.tensor_shape.dim), list(proto.tensor_content)
        (3, 2, [1, 0, 0, 0, 2, 0, 0, 0])
    """
    shape = messages.TensorShapeProto(dim=[messages.Dim(size=size) for size in array.shape])
    proto = messages.TensorProto(dtype=NUMBERS[dtype], tensor_shape=shape)
    if dtype == "string":
        proto.string_val.extend(array.ravel().tolist())
    else:
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        proto.tensor_content = little_endian.tobytes()
    return proto


def decode(proto: Any) -> NDArray[Any]:
    """Return the array of a TensorProto; strings become an object array of ``bytes``.

    Raises:
        UnimplementedError: The type has no NumPy counterpart.
        InternalError: The values do not fill the shape.
    """
    name = name_of(proto.dtype)
    dtype = numpy_dtype(name)
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if name == "string":
        values = np.empty(len(proto.string_val), object)
        values[:] = list(proto.string_val)
    elif proto.tensor_content:
        if len(proto.tensor_content) % dtype.itemsize:
            raise _does_not_fit(shape, name, f"{len(proto.tensor_content)} bytes")
        values = np.frombuffer(proto.tensor_content, dtype.newbyteorder("<")).astype(dtype)
    else:
        field, stored = _FIELDS[name]
        values = np.array(getattr(proto, field), stored)
        if field == "half_val":
            values = values.astype(np.uint16).view(dtype)
        elif name.startswith("complex"):
            values = values.view(dtype)
        values = values.astype(dtype, copy=False)
    return _fill(values, shape, name)


def _fill(values: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """Return the values in their shape, the last one repeated where some are missing."""
    size = math.prod(shape)
    if 0 < values.size < size:
        values = np.concatenate([values, np.full(size - values.size, values[-1], values.dtype)])
    elif values.size == 0 < size:
        values = np.full(size, b"" if values.dtype == object else 0, values.dtype)
    if values.size != size:
        raise _does_not_fit(shape, name, f"{values.size} values")
    return values.reshape(shape)


def _does_not_fit(shape: tuple[int, ...], name: str, received: str) -> InternalError:
    return InternalError(
        f"The server's answer is broken: a {name} tensor of shape {list(shape)} with {received}."
    )
