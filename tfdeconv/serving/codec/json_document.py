"""JSON as TensorFlow Serving reads and writes it.

It passes over a byte order mark, reads NaN and Infinity, ignores what follows the first document, keeps the
first of several members of one name, and reports errors in RapidJSON's words with an offset in bytes. orjson
does the ordinary documents; the standard library the rest.
"""

from __future__ import annotations

import codecs
import contextlib
import gc
import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_dense, json_lenient, json_quote, json_size
from tfdeconv.serving.codec.json_dense import Dense

_LARGE = 1 << 16
_NAME_ENDS = re.compile(rb'"[ \t\r\n]*+:')


def parse(body: bytes, *, dense: bool = False, max_values: int = json_size.MAX_VALUES) -> dict[str, Any]:
    """Return the JSON object in ``body``.

    Args:
        body: A request's body.
        dense: Whether large regular arrays in the places of tensors may come as ``Dense``. Defaults to
            False.
        max_values: Most values besides those arrays. Defaults to 4 million.

    Raises:
        InvalidRequestError: No document, a document with an error, or one that is not an object.
        ResourceExhaustedError: Too many values.

    Example:
        >>> parse(b'{"instances": [1.5]} trailing words')
        {'instances': [1.5]}
    """
    if not body:
        raise InvalidRequestError("JSON Parse error: The document is empty")
    if body.startswith(codecs.BOM_UTF8):
        body = b" " * len(codecs.BOM_UTF8) + body[len(codecs.BOM_UTF8) :]  # errors count its bytes
    document = _parse(body) if len(body) < _LARGE else _parse_large(body, dense, max_values)
    if not isinstance(document, dict):
        raise InvalidRequestError(f"JSON Value: {json_quote.to_text(document)} Is not object")
    return document


def _parse_large(body: bytes, dense: bool, max_values: int) -> Any:
    text, arrays, bad_element = json_dense.take_out(body)
    arrays = arrays if dense else {}
    if arrays:
        json_size.check(text, max_values, bad_element=bad_element)
        document: Any = None
        with contextlib.suppress(InvalidRequestError):  # also where it was a string's text
            document = _parse(text)
        if json_dense.put_back(document, arrays):
            return document
    json_size.check(body, max_values, bad_element=bad_element)
    return _parse(body)


def parse_values(dense: Dense) -> Iterator[list[Any]]:
    """Yield the values of an array in order, some ten thousand at a time.

    Raises:
        InvalidRequestError: Something in the array is not JSON.
        ServingError: Nobody waits for the answer any more.
    """
    for offset, piece in dense.pieces():
        yield _parse(piece, offset)


def _parse(body: bytes, offset: int = 0) -> Any:
    try:
        document = _loads(body)
    except orjson.JSONDecodeError:
        return json_lenient.parse(body, offset)
    if b":" in body and _may_repeat_names(body, document):
        return json_lenient.parse(body, offset)
    return document


def _loads(body: bytes) -> Any:
    """Parse without letting the cycle collector run in between.

    An image is hundreds of thousands of lists, none of them in a cycle; visiting them, and everything
    else in the process, again and again while they are made takes ten times as long as making them.
    """
    if len(body) < _LARGE or not gc.isenabled():
        return orjson.loads(body)
    gc.disable()
    try:
        return orjson.loads(body)
    finally:
        gc.enable()


def _may_repeat_names(body: bytes, document: Any) -> bool:
    """Whether the text has more names than the document; orjson keeps the last of those that are equal."""
    colons = body.count(b":")
    if isinstance(document, dict) and colons == len(document):
        return False
    names = _names(document)
    return colons != names and sum(1 for _ in _NAME_ENDS.finditer(body)) != names


def _names(value: Any) -> int:
    """Return how many members all objects in ``value`` have."""
    count = 0
    level = [value]
    while level:
        inner: list[Any] = []
        for holder in level:
            if isinstance(holder, dict):
                count += len(holder)
                inner += holder.values()
            elif isinstance(holder, list) and not set(map(type, holder)).isdisjoint((dict, list)):
                inner += holder
        level = inner
    return count


def dump(document: Any) -> bytes:
    """Return JSON bytes of a document that may hold NumPy arrays.

    Whole floats print as ``1.0``, non-finite ones as ``NaN`` and ``Infinity``.

    Args:
        document: Dictionaries, lists, scalars, strings and arrays of numbers.

    Example:
        >>> import numpy as np
        >>> dump({"outputs": np.float32([1, 0.2])})
        b'{"outputs":[1.0,0.2]}'
    """
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def dump_leniently(document: Any) -> bytes:
    """Return JSON bytes of plain values with NaN, Infinity and strings that are not UTF-8.

    Args:
        document: Dictionaries, lists, scalars and strings; bytes that are no UTF-8 come as surrogates.

    Example:
        >>> dump_leniently([float("nan"), 1.0])
        b'[NaN,1.0]'
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape")
