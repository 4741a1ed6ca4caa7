"""TensorProto and NumPy arrays, with the conventions of ``tensorflow::Tensor::FromProto``.

A tensor travels in ``tensor_content`` (raw bytes) or in the typed field of its dtype. A typed field may
be shorter than the shape: its last value repeats, and an empty one means zeros; surplus values are ignored.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from tensorflow.core.framework import tensor_pb2

from tfdeconv.serving.codec import wire_format
from tfdeconv.wire import dtypes

_DTYPE, _SHAPE, _CONTENT, _FLOAT_VAL, _DOUBLE_VAL, _STRING_VAL = 1, 2, 4, 5, 6, 8
_FAST_FIELDS = {_CONTENT: None, _FLOAT_VAL: dtypes.FLOAT, _DOUBLE_VAL: dtypes.DOUBLE}
# Fields of integers hold at least one byte an element, but a repeated last value is free for the sender:
# a message of ten bytes may declare terabytes.
MAX_FILLED_BYTES = 1 << 28
# What a string takes besides its text: a pointer, TensorFlow's copy, the object of the answer.
_STRING_BYTES = 64


class TensorParsingError(ValueError):
    """A TensorProto that TensorFlow would refuse to parse."""


def decode(data: bytes | memoryview, *, max_filled_bytes: int = MAX_FILLED_BYTES) -> np.ndarray[Any, Any]:
    """Return the array of a serialized TensorProto.

    Args:
        data: A serialized ``tensorflow.TensorProto``. Where the layout allows, the array is a read-only
            view of it.
        max_filled_bytes: Largest array that repeated or missing values may fill.

    Raises:
        TensorParsingError: Malformed bytes, an unknown dtype or shape, or a size that contradicts the shape.

    Example:
        >>> decode(encode(np.float32([[1, 2]])))
        array([[1., 2.]], dtype=float32)
    """
    fast = _decode_contiguous(memoryview(data))
    if fast is not None:
        return fast
    try:
        message = tensor_pb2.TensorProto.FromString(bytes(data))
    except Exception as error:  # protobuf's DecodeError is not part of its public typing
        raise TensorParsingError(str(error)) from None
    return from_message(message, max_filled_bytes=max_filled_bytes)


def _decode_contiguous(data: memoryview) -> np.ndarray[Any, Any] | None:
    """View the common layout (dtype, shape, one block of numbers) in place, or return None."""
    dtype = 0
    shape: tuple[int, ...] | None = ()
    block: memoryview | None = None
    block_field = 0
    try:
        for number, wire_type, value in wire_format.fields(data):
            if number == _DTYPE and isinstance(value, int):
                dtype = value
            elif (
                number == _SHAPE
                and isinstance(value, memoryview)
                and wire_type == wire_format.LENGTH_DELIMITED
            ):
                shape = _read_shape(bytes(value))
            elif (
                number in _FAST_FIELDS
                and isinstance(value, memoryview)
                and wire_type == wire_format.LENGTH_DELIMITED
                and block is None
            ):
                block, block_field = value, number
            else:
                return None
    except wire_format.MalformedMessageError:
        return None
    element = dtypes.numpy_dtype(dtype)
    if block is None or shape is None or len(shape) > dtypes.MAX_RANK:
        return None
    if element is None or dtype == dtypes.STRING:
        return None
    if _FAST_FIELDS[block_field] not in (None, dtype):
        return None
    if math.prod(shape) * element.itemsize != len(block) or not len(block):
        return None
    return np.frombuffer(block, element).reshape(shape)


# Clients send few shapes over and over: reading one costs more than the rest of a small tensor.
@functools.lru_cache(maxsize=1024)
def _read_shape(data: bytes) -> tuple[int, ...] | None:
    """Return the sizes of a serialized TensorShapeProto, or None for anything unusual."""
    sizes = []
    for number, wire_type, value in wire_format.fields(memoryview(data)):
        if number != 2 or wire_type != wire_format.LENGTH_DELIMITED or not isinstance(value, memoryview):
            return None
        size = 0
        for inner, _, content in wire_format.fields(value):
            if inner == 1 and isinstance(content, int):
                size = content
            elif inner != 2:
                return None
        if size >= 1 << 63:  # a negative number in two's complement
            return None
        sizes.append(size)
    return tuple(sizes)


def from_message(
    message: tensor_pb2.TensorProto, *, max_filled_bytes: int = MAX_FILLED_BYTES
) -> np.ndarray[Any, Any]:
    """Return the array of a parsed TensorProto.

    Args:
        message: The tensor.
        max_filled_bytes: Largest array that repeated or missing values may fill.

    Raises:
        TensorParsingError: The dtype or shape is unknown, or the content contradicts the shape.
    """
    element = dtypes.numpy_dtype(message.dtype)
    if element is None:
        raise TensorParsingError(f"dtype {dtypes.cpp_name(message.dtype)} cannot be received")
    if message.tensor_shape.unknown_rank:
        raise TensorParsingError("the shape has no rank")
    shape = tuple(dim.size for dim in message.tensor_shape.dim)
    count = math.prod(shape)
    # NumPy counts the bytes of an array without values as if its zeros were ones.
    size = math.prod(max(size, 1) for size in shape) * element.itemsize
    if any(size < 0 for size in shape) or len(shape) > dtypes.MAX_RANK or size > np.iinfo(np.int64).max:
        raise TensorParsingError(f"the shape {list(shape)} is not a tensor's")
    if message.tensor_content:
        return _from_content(message.tensor_content, message.dtype, element, shape, count)
    values = _typed_values(message, element)
    if len(values) < count:
        last = values[-1:] if len(values) else _zero(message.dtype, element)
        each = _STRING_BYTES + len(last[0]) if message.dtype == dtypes.STRING else element.itemsize
        if count * each > max_filled_bytes:
            raise TensorParsingError(
                f"the shape {list(shape)} declares {count} values and the message holds {len(values)}"
            )
        values = np.concatenate([values, np.repeat(last, count - len(values))])
    return values[:count].reshape(shape)


def _from_content(
    content: bytes, dtype: int, element: np.dtype[np.generic], shape: tuple[int, ...], count: int
) -> np.ndarray[Any, Any]:
    if dtype == dtypes.STRING:
        return _strings_from_content(content, count).reshape(shape)
    if count * element.itemsize != len(content):
        raise TensorParsingError(
            f"tensor_content has {len(content)} bytes, the shape wants {count * element.itemsize}"
        )
    return np.frombuffer(content, element).reshape(shape)


def _strings_from_content(content: bytes, count: int) -> np.ndarray[Any, Any]:
    """All lengths as varints, then all bytes."""
    data = memoryview(content)
    if count > len(data):  # each length takes a byte
        raise TensorParsingError(f"tensor_content holds no {count} strings")
    position = 0
    lengths = []
    try:
        for _ in range(count):
            length, position = wire_format.read_varint(data, position)
            lengths.append(length)
    except wire_format.MalformedMessageError as error:
        raise TensorParsingError(str(error)) from None
    if sum(lengths) != len(data) - position:
        raise TensorParsingError("the string lengths contradict the size of tensor_content")
    strings = np.empty(count, object)
    for index, length in enumerate(lengths):
        strings[index] = bytes(data[position : position + length])
        position += length
    return strings


def _typed_values(message: tensor_pb2.TensorProto, element: np.dtype[np.generic]) -> np.ndarray[Any, Any]:
    dtype = message.dtype
    if dtype == dtypes.STRING:
        strings = np.empty(len(message.string_val), object)
        strings[:] = message.string_val
        return strings
    if dtype == dtypes.FLOAT:
        return np.array(message.float_val, element)
    if dtype == dtypes.DOUBLE:
        return np.array(message.double_val, element)
    if dtype in dtypes.INT_VAL_TYPES:
        return np.array(message.int_val, np.int32).astype(element)
    if dtype == dtypes.INT64:
        return np.array(message.int64_val, element)
    if dtype == dtypes.BOOL:
        return np.array(message.bool_val, element)
    if dtype in dtypes.HALF_VAL_TYPES:
        return np.array(message.half_val, np.int32).astype(np.uint16).view(element)
    if dtype == dtypes.UINT32:
        return np.array(message.uint32_val, element)
    if dtype == dtypes.UINT64:
        return np.array(message.uint64_val, element)
    if dtype == dtypes.COMPLEX64:
        return _pairs(np.array(message.scomplex_val, np.float32)).view(element)
    if dtype == dtypes.COMPLEX128:
        return _pairs(np.array(message.dcomplex_val, np.float64)).view(element)
    return np.frombuffer(message.float8_val, element)


def _pairs(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values[: len(values) // 2 * 2]


def _zero(dtype: int, element: np.dtype[np.generic]) -> np.ndarray[Any, Any]:
    return np.array([b""], object) if dtype == dtypes.STRING else np.zeros(1, element)


def encode(array: np.ndarray[Any, Any], *, as_content: bool = False) -> bytes:
    """Return the serialized TensorProto of an array.

    Args:
        array: Any shape; strings as object arrays of ``bytes`` (or ``str``, sent as UTF-8).
        as_content: Fill ``tensor_content`` instead of the typed field (numbers only; strings
            always travel typed). Defaults to False.

    Raises:
        TypeError: TensorFlow has no such dtype.

    Example:
        >>> len(encode(np.zeros(4, np.float32), as_content=True))
        26
    """
    return b"".join(encode_parts(array, as_content=as_content))


def encode_parts(array: np.ndarray[Any, Any], *, as_content: bool = False) -> list[bytes | memoryview]:
    """Return what ``encode`` joins; the array's own memory is one of the parts, not a copy of it."""
    array = np.asarray(array)
    dtype = dtypes.enum_of(array.dtype)
    parts: list[bytes | memoryview] = [_type_and_shape(dtype, array.shape)]
    if dtype == dtypes.STRING:
        for value in array.ravel().tolist():
            encoded = value.encode() if isinstance(value, str) else bytes(value)
            parts += [wire_format.header(_STRING_VAL, len(encoded)), encoded]
    elif not array.size:
        pass
    elif as_content or dtype in (dtypes.FLOAT, dtypes.DOUBLE):
        number = _CONTENT if as_content else _FLOAT_VAL if dtype == dtypes.FLOAT else _DOUBLE_VAL
        block = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        parts += [wire_format.header(number, len(block)), block]
    else:
        parts.append(_typed_fields(array.ravel(), dtype).SerializeToString())
    return parts


@functools.lru_cache(maxsize=1024)
def _type_and_shape(dtype: int, shape: tuple[int, ...]) -> bytes:
    sizes = [b"\x08" + wire_format.varint(size) for size in shape]
    encoded = b"".join(wire_format.header(2, len(size)) + size for size in sizes)
    return b"\x08" + wire_format.varint(dtype) + wire_format.header(_SHAPE, len(encoded)) + encoded


def _typed_fields(values: np.ndarray[Any, Any], dtype: int) -> tensor_pb2.TensorProto:
    message = tensor_pb2.TensorProto()
    if dtype in dtypes.INT_VAL_TYPES:
        message.int_val.extend(values.astype(np.int32).tolist())
    elif dtype == dtypes.INT64:
        message.int64_val.extend(values.tolist())
    elif dtype == dtypes.BOOL:
        message.bool_val.extend(values.tolist())
    elif dtype in dtypes.HALF_VAL_TYPES:
        message.half_val.extend(values.view(np.uint16).tolist())
    elif dtype == dtypes.UINT32:
        message.uint32_val.extend(values.tolist())
    elif dtype == dtypes.UINT64:
        message.uint64_val.extend(values.tolist())
    elif dtype == dtypes.COMPLEX64:
        message.scomplex_val.extend(values.view(np.float32).tolist())
    elif dtype == dtypes.COMPLEX128:
        message.dcomplex_val.extend(values.view(np.float64).tolist())
    else:
        message.float8_val = values.tobytes()
    return message
