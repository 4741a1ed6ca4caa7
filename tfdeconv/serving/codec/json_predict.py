"""Predict requests in JSON: the row form (``instances``) and the column form (``inputs``)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving import cancellation
from tfdeconv.serving.codec import json_document, json_quote, json_size, json_tensor
from tfdeconv.serving.codec.json_dense import Dense
from tfdeconv.wire import status_codes

_ROW_KEY, _COLUMN_KEY = "instances", "inputs"
_ROWS_AT_ONCE = 4096


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
            >>> parse_request(b'{"instances": [1, 2]}').inputs({"x": 1})  # DT_FLOAT
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
                f"JSON Value: {json_quote.to_text(document)} Not formatted correctly expecting only one "
                f"of '{_COLUMN_KEY}' or '{_ROW_KEY}' keys to exist "
            )
        if _COLUMN_KEY in document:
            return _from_columns(document[_COLUMN_KEY], types)
        if _ROW_KEY not in document:
            raise InvalidRequestError("Missing 'inputs' or 'instances' key")
        rows = document[_ROW_KEY]
        if isinstance(rows, Dense):
            return _from_dense(rows, types)
        if not isinstance(rows, list):
            raise InvalidRequestError(
                f"JSON Value: {json_quote.to_text(document)} Expecting '{_ROW_KEY}' to be an list/array"
            )
        if not rows:
            raise InvalidRequestError(
                f"JSON Value: {json_quote.to_text(document)} No values in '{_ROW_KEY}' array"
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
            f"JSON Value: {json_quote.to_text(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def parse_request(body: bytes, *, max_values: int = json_size.MAX_VALUES) -> JsonPredict:
    """Return a predict request.

    Args:
        body: The JSON document.
        max_values: Most values besides large regular arrays of numbers. Defaults to 4 million.

    Raises:
        InvalidRequestError: It is no JSON object, or names its signature by something else than a string.
        ResourceExhaustedError: Too many values.
    """
    document = json_document.parse(body, dense=True, max_values=max_values)
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


_PLAIN_LIST = (
    "instances is a plain list, but expecting list of objects as multiple "
    "input tensors required as per tensorinfo_map"
)


def _from_dense(rows: Dense, types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    if len(types) > 1:
        raise InvalidRequestError(_PLAIN_LIST)
    ((name, dtype),) = types.items()
    try:
        return {name: json_tensor.dense_array(rows, dtype)}
    except json_tensor.RefusedValueError as refused:
        row = refused.index // math.prod(rows.shape[1:])
        raise _element_error(row, "", refused.error) from None


def _from_rows(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise InvalidRequestError(_PLAIN_LIST)
    named = _is_named(rows[0])
    columns: dict[str, list[np.ndarray[Any, Any]]] = {}
    # Some rows at once, as long as all are regular: the first that is not is found without an array for
    # each row before it.
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        cancellation.check()
        some = rows[start : start + _ROWS_AT_ONCE]
        fast = _named_columns(some, types) if named else _plain_column(some, types)
        if fast is None or not _fit(fast, columns):
            fast = _from_rows_in_turn(some, types, start, columns, named=named)
        for name, array in fast.items():
            columns.setdefault(name, []).append(array)
    return {
        name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in columns.items()
    }


def _fit(some: Mapping[str, np.ndarray[Any, Any]], before: Mapping[str, list[np.ndarray[Any, Any]]]) -> bool:
    return not before or all(array.shape[1:] == before[name][0].shape[1:] for name, array in some.items())


def _plain_column(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]] | None:
    """All rows at once, or None where a row needs to be looked at."""
    name, dtype = next(iter(types.items()))
    return _column(name, rows, dtype)


def _named_columns(rows: list[Any], types: Mapping[str, int]) -> dict[str, np.ndarray[Any, Any]] | None:
    if not all(_is_named(row) and row.keys() == types.keys() for row in rows):
        return None
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for name, dtype in types.items():
        column = _column(name, [row[name] for row in rows], dtype)
        if column is None:
            return None
        columns |= column
    return columns


def _column(name: str, values: list[Any], dtype: int) -> dict[str, np.ndarray[Any, Any]] | None:
    if any(isinstance(value, Dense) for value in values):
        return None
    try:
        return {name: json_tensor.to_array(values, dtype)}
    except TfdeconvError:
        return None


def _from_rows_in_turn(
    rows: list[Any],
    types: Mapping[str, int],
    start: int,
    before: Mapping[str, list[np.ndarray[Any, Any]]],
    *,
    named: bool,
) -> dict[str, np.ndarray[Any, Any]]:
    """Convert row by row: the first row sets the shapes, and an error names its row."""
    columns: dict[str, list[np.ndarray[Any, Any]]] = {}
    first = {name: arrays[0][0, ...] for name, arrays in before.items()}  # an array, of objects as well
    for index, row in enumerate(rows, start):
        if named and not _is_named(row):
            raise InvalidRequestError(f"Expecting object but got list at item {index} of input list")
        if not named and _is_named(row):
            raise InvalidRequestError(f"Expecting value/list but got object at item {index} of input list")
        items = row.items() if named else [(next(iter(types)), row)]
        for name, value in items:
            try:
                array = _row_value(name, value, types)
                _check_like_first(array, first.setdefault(name, array))
                columns.setdefault(name, []).append(array)
            except (InvalidRequestError, UnimplementedError) as error:
                raise _element_error(index, f" key: {name}" if named else "", error) from None
        if named and row.keys() != types.keys():
            raise InvalidRequestError(
                f"Failed to process element: {index} of '{_ROW_KEY}' list. JSON object: "
                f"{json_quote.to_text(row)} keys must be equal to: {','.join(types)}"
            )
    return {name: np.stack(arrays) for name, arrays in columns.items()}


def _row_value(name: str, value: Any, types: Mapping[str, int]) -> np.ndarray[Any, Any]:
    if name not in types:
        raise InvalidRequestError(f"JSON object: does not have named input: {name}")
    return json_tensor.to_array(value, types[name])


def _element_error(index: int, key: str, error: TfdeconvError) -> InvalidRequestError:
    return InvalidRequestError(
        f"Failed to process element: {index}{key} of '{_ROW_KEY}' list. "
        f"Error: {status_codes.with_code(error)}"
    )


def _check_like_first(array: np.ndarray[Any, Any], first: np.ndarray[Any, Any]) -> None:
    if array.size != first.size:
        raise InvalidRequestError(f"Expecting tensor size: {first.size} but got: {array.size}")
    if array.shape != first.shape:
        raise InvalidRequestError(f"Expecting shape {_shape_text(first)} but got: {_shape_text(array)}")


def _shape_text(array: np.ndarray[Any, Any]) -> str:
    return f"[{','.join(map(str, array.shape))}]"
