"""Predict requests and answers in JSON: the row form (``instances``) and the column form (``inputs``)."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving.codec import json_document, json_tensor
from tfdeconv.wire import dtypes

_ROW_KEY, _COLUMN_KEY = "instances", "inputs"
_BYTES_SUFFIX = "_bytes"
_JSON_TYPES = frozenset(
    {dtypes.FLOAT, dtypes.DOUBLE, dtypes.STRING, dtypes.BOOL, dtypes.INT64, dtypes.UINT32, dtypes.UINT64}
) | frozenset({3, 4, 5, 6})


@dataclasses.dataclass(frozen=True, slots=True)
class JsonPredict:
    """A predict request, whose values become arrays once the types of the signature are known.

    Attributes:
        document: The JSON document.
        signature_name: As sent, empty when missing.
    """

    document: dict[str, Any]
    signature_name: str

    @property
    def row_form(self) -> bool:
        """Whether the answer goes into ``predictions`` (else ``outputs``)."""
        return _ROW_KEY in self.document

    def inputs(self, types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]]:
        """Return input name to array.

        Args:
            types: Input name to ``DataType`` enum value.

        Raises:
            InvalidRequestError: Whatever TensorFlow Serving refuses, in its words.

        Example:
            >>> parse_request(b'{"instances": [1, 2]}').inputs({"x": dtypes.FLOAT})
            {'x': array([1., 2.], dtype=float32)}
        """
        document = self.document
        types = dict(sorted(types.items()))
        if not types:
            raise InvalidRequestError(
                f"Failed to get input map for signature: {self.signature_name or 'DEFAULT'}"
            )
        if _ROW_KEY in document and _COLUMN_KEY in document:
            raise InvalidRequestError(
                f"JSON Value: {json_document.to_text(document)} Not formatted correctly expecting only one "
                f"of '{_COLUMN_KEY}' or '{_ROW_KEY}' keys to exist "
            )
        if _COLUMN_KEY in document:
            return _from_columns(document[_COLUMN_KEY], types)
        if _ROW_KEY not in document:
            raise InvalidRequestError("Missing 'inputs' or 'instances' key")
        rows = document[_ROW_KEY]
        if not isinstance(rows, list):
            raise InvalidRequestError(
                f"JSON Value: {json_document.to_text(document)} Excepting '{_ROW_KEY}' to be an list/array"
            )
        if not rows:
            raise InvalidRequestError(
                f"JSON Value: {json_document.to_text(document)} No values in '{_ROW_KEY}' array"
            )
        return _from_rows(rows, types)


def signature_name(document: dict[str, Any]) -> str:
    """Return the ``signature_name`` of a request, or an empty string.

    Raises:
        InvalidRequestError: It is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidRequestError(
            f"JSON Value: {json_document.to_text(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def parse_request(body: bytes) -> JsonPredict:
    """Return a predict request.

    Args:
        body: The JSON document.

    Raises:
        InvalidRequestError: It is no JSON object, or names its signature by something else than a string.
    """
    document = json_document.parse(body)
    return JsonPredict(document, signature_name(document))


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not json_tensor.is_base64_object(value)


def _from_columns(value: Any, types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    if not _is_named(value):
        if len(types) > 1:
            raise InvalidRequestError(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        return {name: json_tensor.to_array(value, dtype) for name, dtype in types.items()}
    arrays = {}
    for name, dtype in types.items():
        if name not in value:
            raise InvalidRequestError(f"Missing named input: {name} in 'inputs' object.")
        arrays[name] = json_tensor.to_array(value[name], dtype)
    return arrays


def _from_rows(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise InvalidRequestError(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    named = _is_named(rows[0])
    fast = _named_columns(rows, types) if named else _plain_column(rows, types)
    return _from_rows_in_turn(rows, types, named=named) if fast is None else fast


def _plain_column(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]] | None:
    """All rows at once, or None where a row needs to be looked at."""
    name, dtype = next(iter(types.items()))
    try:
        return {name: json_tensor.to_array(rows, dtype)}
    except TfdeconvError:
        return None


def _named_columns(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]] | None:
    if not all(_is_named(row) and row.keys() == types.keys() for row in rows):
        return None
    try:
        return {
            name: json_tensor.to_array([row[name] for row in rows], dtype) for name, dtype in types.items()
        }
    except TfdeconvError:
        return None


def _from_rows_in_turn(
    rows: list[Any], types: Mapping[str, int], *, named: bool
) -> dict[str, np.ndarray[Any, Any]]:
    """Convert row by row: the first row sets the shapes, and an error names its row."""
    columns: dict[str, list[np.ndarray[Any, Any]]] = {}
    for index, row in enumerate(rows):
        if named and not _is_named(row):
            raise InvalidRequestError(f"Expecting object but got list at item {index} of input list")
        if not named and _is_named(row):
            raise InvalidRequestError(f"Expecting value/list but got object at item {index} of input list")
        items = row.items() if named else [(next(iter(types)), row)]
        for name, value in items:
            try:
                array = _row_value(name, value, types)
                _check_like_first(array, columns.setdefault(name, []))
            except TfdeconvError as error:
                code = "UNIMPLEMENTED" if isinstance(error, UnimplementedError) else "INVALID_ARGUMENT"
                key = f" key: {name}" if named else ""
                raise InvalidRequestError(
                    f"Failed to process element: {index}{key} of '{_ROW_KEY}' list. Error: {code}: {error}"
                ) from None
        if named and row.keys() != types.keys():
            raise InvalidRequestError(
                f"Failed to process element: {index} of '{_ROW_KEY}' list. JSON object: "
                f"{json_document.to_text(row)} must only have keys: {','.join(types)}"
            )
    return {name: np.stack(arrays) for name, arrays in columns.items()}


def _row_value(name: str, value: Any, types: Mapping[str, int]) -> np.ndarray[Any, Any]:
    if name not in types:
        raise InvalidRequestError(f"JSON object: does not have named input: {name}")
    return json_tensor.to_array(value, types[name])


def _check_like_first(array: np.ndarray[Any, Any], column: list[np.ndarray[Any, Any]]) -> None:
    if column and array.size != column[0].size:
        raise InvalidRequestError(f"Expecting tensor size: {column[0].size} but got: {array.size}")
    if column and array.shape != column[0].shape:
        raise InvalidRequestError(f"Expecting shape {_shape_text(column[0])} but got: {_shape_text(array)}")
    column.append(array)


def _shape_text(array: np.ndarray[Any, Any]) -> str:
    return f"[{','.join(map(str, array.shape))}]"


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
    batch = 0
    for name, array in outputs.items():
        if array.ndim == 0:
            raise InvalidRequestError(f"Tensor name: {name} has no shape information ")
        if array.shape[0] < 1:
            raise InvalidRequestError(f"Tensor name: {name} has invalid batch size: {array.shape[0]}")
        if batch and array.shape[0] != batch:
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
