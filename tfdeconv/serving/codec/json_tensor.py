"""JSON values to arrays with the checks, and the messages, of TensorFlow Serving.

Regularly nested lists of numbers are flattened level by level and converted in one go. Everything else,
and every error, goes through a walk in document order, value by value.
"""

from __future__ import annotations

import binascii
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving.codec import json_document, json_quote
from tfdeconv.serving.codec.json_dense import Dense
from tfdeconv.wire import dtypes

_FLOATING = frozenset({dtypes.FLOAT, dtypes.DOUBLE})
_INT_RANGE = {
    dtypes.INT64: (-(1 << 63), (1 << 63) - 1),
    dtypes.UINT32: (0, (1 << 32) - 1),
    dtypes.UINT64: (0, (1 << 64) - 1),
}
_INT32_RANGE = (-(1 << 31), (1 << 31) - 1)
# TensorFlow Serving reads these small integers as 32-bit ones; the conversion to the dtype wraps.
_INT32_LIKE = frozenset({3, 4, 5, 6})  # int32, uint8, int16, int8
_UNUSUAL = re.compile(rb"[\s.]")


def is_base64_object(value: Any) -> bool:
    """Tell whether a JSON value is ``{"b64": "..."}`` and nothing else.

    Example:
        >>> is_base64_object({"b64": "aGk="}), is_base64_object({"b64": "aGk=", "x": 1})
        (True, False)
    """
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decode_base64(value: Any) -> bytes:
    """Return the bytes of a ``{"b64": "..."}`` object.

    Padding may be missing or dots, and white space may be there, as in Abseil's decoder; anything else is
    an error.

    Raises:
        InvalidRequestError: Another object, or text that is not base64.

    Example:
        >>> decode_base64({"b64": "aGk"})
        b'hi'
    """
    if not is_base64_object(value):
        raise InvalidRequestError(
            f"JSON Value: {json_quote.to_text(value)} not formatted correctly for base64 data"
        )
    try:
        text = value["b64"].encode("ascii")
        if _UNUSUAL.search(text):
            text = b"".join(text.split()).replace(b".", b"=")
        padding = text[-4:].count(b"=")  # at most two pass
        wanted = -(len(text) - padding) % 4
        if padding not in (0, wanted):
            raise binascii.Error
        return binascii.a2b_base64(text if padding else text + b"=" * wanted, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidRequestError("Unable to base64 decode") from None


def to_array(value: Any, dtype: int) -> np.ndarray[Any, Any]:
    """Return the array of one JSON value.

    Args:
        value: A scalar, nested lists or a ``Dense``.
        dtype: The ``tensorflow.DataType`` enum value that the signature wants.

    Raises:
        InvalidRequestError: A value of another type, a number that does not fit, or ragged lists.
        UnimplementedError: JSON cannot carry the dtype.

    Example:
        >>> to_array([[1, 2.5]], 1)
        array([[1. , 2.5]], dtype=float32)
    """
    if isinstance(value, Dense):
        try:
            return dense_array(value, dtype)
        except RefusedValueError as refused:
            raise refused.error from None
    flat = _flatten_numbers(value)
    if flat is not None and len(flat[1]) <= dtypes.MAX_RANK:
        fast = _numbers(flat[0], dtype)
        if fast is not None:
            return fast.reshape(flat[1])
    return _Walk(dtype).array(value)


class RefusedValueError(ValueError):
    """A value of an array cannot become one of the wanted dtype.

    Attributes:
        index: The value's place among all.
        error: Why.
    """

    def __init__(self, message: str, index: int = 0, error: TfdeconvError | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.error = error or InvalidRequestError(message)


def dense_array(dense: Dense, dtype: int) -> np.ndarray[Any, Any]:
    """Return the array of a ``Dense``; see ``to_array``.

    Raises:
        RefusedValueError: A value does not fit.
        InvalidRequestError: Something in the array is not JSON.
    """
    element = dtypes.numpy_dtype(dtype)
    walk = _Walk(dtype)
    array = None
    count = 0
    for values in json_document.parse_values(dense):
        part = _numbers(values, dtype) if set(map(type, values)) <= {int, float} else None
        if part is None:
            part = np.array(walk.converted(values, count), element)
        if array is None:  # not before the first values fit
            array = np.empty(math.prod(dense.shape), element)
        array[count : count + len(part)] = part
        count += len(part)
    assert array is not None
    return array.reshape(dense.shape)


def _numbers(numbers: list[Any], dtype: int) -> np.ndarray[Any, Any] | None:
    """Convert integers and floats at once, or None where one needs to be looked at."""
    element = dtypes.numpy_dtype(dtype)
    try:
        array = np.array(numbers)
    except OverflowError:
        return None
    if element is None or array.dtype.kind not in "iuf":
        return None
    if dtype in _FLOATING:
        with np.errstate(over="ignore"):  # beyond the largest float32 is infinite, as in TensorFlow Serving
            return array.astype(element)
    if array.dtype.kind in "iu" and (dtype in _INT_RANGE or dtype in _INT32_LIKE):
        low, high = _INT_RANGE.get(dtype, _INT32_RANGE)
        if low <= int(array.min()) and int(array.max()) <= high:
            return array.astype(element)
    return None


def _flatten_numbers(value: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """Return the leaves and the shape of regularly nested, non-empty lists of numbers, else None."""
    shape = []
    level = value
    while type(level) is list and level:
        shape.append(len(level))
        kinds = set(map(type, level))
        if kinds <= {int, float}:
            return level, (*_sizes(shape),)
        if kinds != {list} or len(set(map(len, level))) != 1:
            return None
        level = list(itertools.chain.from_iterable(level))
    return None


def _sizes(totals: list[int]) -> Iterator[int]:
    """Lengths of each level all together -> size of one list of each level."""
    for outer, total in itertools.pairwise([1, *totals]):
        yield total // outer


class _Walk:
    """Conversion of one value at a time, in document order, up to the first error."""

    def __init__(self, dtype: int) -> None:
        self._dtype = dtype
        self._type_name = dtypes.cpp_name(dtype)
        self._leaves: list[Any] = []

    def array(self, value: Any) -> np.ndarray[Any, Any]:
        shape = _first_branch_shape(value)
        if len(shape) > dtypes.MAX_RANK:
            raise InvalidRequestError(
                f"Lists are nested {len(shape)} deep; a tensor has at most {dtypes.MAX_RANK} dimensions"
            )
        self._fill(value, 0, shape)
        element = dtypes.numpy_dtype(self._dtype)
        assert element is not None  # _convert has refused the others, unless there is no value at all
        if self._dtype == dtypes.STRING:
            array = np.empty(len(self._leaves), object)
            array[:] = self._leaves
        elif self._dtype in _INT32_LIKE:
            array = np.array(self._leaves, np.int32).astype(element)
        else:
            with np.errstate(over="ignore"):
                array = np.array(self._leaves, element)
        return array.reshape(shape)

    def converted(self, values: list[Any], first: int) -> list[Any]:
        """Return values without lists; ``first`` is the first one's place among all.

        Raises:
            RefusedValueError: One does not fit.
        """
        leaves = []
        for index, value in enumerate(values, first):
            try:
                leaves.append(self._convert(value))
            except TfdeconvError as error:
                raise RefusedValueError(str(error), index, error) from None
        return leaves

    def _fill(self, value: Any, level: int, shape: tuple[int, ...]) -> None:
        rank = len(shape)
        if not isinstance(value, list):
            if level != rank:
                raise InvalidRequestError(
                    f"JSON Value: {json_quote.to_text(value)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {rank}"
                )
            self._leaves.append(self._convert(value))
            return
        if level >= rank:
            raise InvalidRequestError(f"Encountered list at unexpected level: {level} expected < {rank}")
        if len(value) != shape[level]:
            raise InvalidRequestError(
                f"Encountered list at unexpected size: {len(value)} at level: {level} "
                f"expected size: {shape[level]}"
            )
        for item in value:
            self._fill(item, level + 1, shape)

    def _convert(self, value: Any) -> Any:
        if isinstance(value, dict):
            if self._dtype == dtypes.STRING:
                return decode_base64(value)
            raise self._type_error(value)
        if self._dtype == dtypes.STRING:
            if not isinstance(value, str):
                raise self._type_error(value)
            return value.encode("utf-8", "surrogateescape")
        if self._dtype == dtypes.BOOL:
            if not isinstance(value, bool):
                raise self._type_error(value)
            return value
        if self._dtype in _FLOATING:
            return self._floating(value)
        if self._dtype in _INT32_LIKE or self._dtype in _INT_RANGE:
            low, high = _INT_RANGE.get(self._dtype, _INT32_RANGE)
            if type(value) is not int or not low <= value <= high:
                raise self._type_error(value)
            return value
        raise UnimplementedError(
            f"Conversion of JSON Value: {json_quote.to_text(value)} to type: {self._type_name}"
        )

    def _floating(self, value: Any) -> float:
        if type(value) not in (int, float):
            raise self._type_error(value)
        try:
            return float(value)
        except OverflowError:  # a number of more than 308 digits
            return math.inf if value > 0 else -math.inf

    def _type_error(self, value: Any) -> InvalidRequestError:
        return InvalidRequestError(
            f"JSON Value: {json_quote.to_text(value)} Type: {json_quote.type_name(value)} "
            f"is not of expected type: {self._type_name}"
        )


def _first_branch_shape(value: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)
