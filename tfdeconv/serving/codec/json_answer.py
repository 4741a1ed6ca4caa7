"""Answers to predict requests in JSON: the row form (``predictions``) and the column form (``outputs``)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_document
from tfdeconv.wire import dtypes

_BYTES_SUFFIX = "_bytes"
_JSON_TYPES = frozenset(
    {dtypes.FLOAT, dtypes.DOUBLE, dtypes.STRING, dtypes.BOOL, dtypes.INT64, dtypes.UINT32, dtypes.UINT64}
) | frozenset({3, 4, 5, 6})


def build_response(outputs: Mapping[str, np.ndarray[Any, Any]], *, row_form: bool) -> bytes:
    """Return the JSON answer of named arrays.

    Args:
        outputs: Name to array. Names of strings that end in ``_bytes`` are sent as base64.
        row_form: ``predictions``, one entry for each row; else ``outputs``.

    Raises:
        InvalidRequestError: No arrays, a dtype that JSON cannot carry, or, in the row form, arrays
            whose first sizes differ.

    Example:
        >>> build_response({"y": np.float32([[1], [2]])}, row_form=True)
        b'{"predictions":[[1.0],[2.0]]}'
    """
    if not outputs:
        raise InvalidRequestError("Cannot convert empty tensor map to JSON")
    if row_form:
        _check_rows(outputs)
    for array in outputs.values():
        dtype = dtypes.enum_of(array.dtype)
        if dtype not in _JSON_TYPES:
            raise InvalidRequestError(f"Failed to write JSON value for tensor type: {dtypes.cpp_name(dtype)}")
    lenient = any(_is_lenient(name, array) for name, array in outputs.items())
    values = {name: _plain(name, array) if lenient else _fast(name, array) for name, array in outputs.items()}
    content: Any = values
    if len(values) == 1:
        (content,) = values.values()
    elif row_form:
        columns = [_rows(value) for value in values.values()]
        content = [dict(zip(values, row, strict=True)) for row in zip(*columns, strict=True)]
    dump = json_document.dump_leniently if lenient else json_document.dump
    return dump({"predictions" if row_form else "outputs": content})


def _check_rows(outputs: Mapping[str, np.ndarray[Any, Any]]) -> None:
    batch = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise InvalidRequestError(f"Tensor name: {name} has no shape information ")
        if batch is not None and array.shape[0] != batch:
            raise InvalidRequestError(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} expecting: {batch}"
            )
        batch = array.shape[0]


def _is_lenient(name: str, array: np.ndarray[Any, Any]) -> bool:
    """Whether JSON proper cannot say it: non-finite numbers, strings that are not UTF-8."""
    if array.dtype.kind == "f":
        return not np.isfinite(array).all()
    if array.dtype.kind == "O" and not name.endswith(_BYTES_SUFFIX):
        return any(isinstance(value, bytes) and not _is_utf8(value) for value in array.ravel().tolist())
    return False


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fast(name: str, array: np.ndarray[Any, Any]) -> Any:
    """Leave numbers to orjson, which takes neither scalars nor empty arrays."""
    if array.dtype.kind in "fiub" and array.ndim and array.size:
        return np.ascontiguousarray(array)
    return _plain(name, array)


def _rows(value: Any) -> Sequence[Any]:
    """The rows of a column; scalars as Python's, with the digits of their own type."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        plain: list[Any] = _plain("", value)
        return plain
    rows: Sequence[Any] = value
    return rows


def _plain(name: str, array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind == "f":
        # The shortest digits of a float32, not those of the double that Python would make of it.
        texts = np.array([float(str(value)) for value in array.ravel()], object)
        return texts.reshape(array.shape).tolist()
    if array.dtype.kind in "iub":
        return array.tolist()
    convert = _base64_object if name.endswith(_BYTES_SUFFIX) else _text
    converted = np.empty(array.size, object)
    converted[:] = [convert(value) for value in array.ravel().tolist()]
    return converted.reshape(array.shape).tolist()


def _base64_object(value: bytes | str) -> dict[str, str]:
    data = value.encode() if isinstance(value, str) else value
    return {"b64": base64.b64encode(data).decode("ascii")}


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
