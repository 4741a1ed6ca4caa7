"""JSON as TensorFlow Serving reads and writes it.

It reads NaN and Infinity, ignores what follows the first document, and reports errors in RapidJSON's
words with an offset in bytes. orjson does the ordinary documents; the standard library the rest.
"""

from __future__ import annotations

import gc
import json
import math
import re
from typing import Any

import orjson

from tfdeconv.errors import InvalidRequestError

# The standard library's complaint -> RapidJSON's.
_MESSAGES = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
_COMMA = "Expecting ',' delimiter"
_BLANK = re.compile(r"[ \t\n\r]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_LARGE = 1 << 16
_TYPE_NAMES = {bool: "", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def _finite(text: str) -> float:
    """Return a number that is written in digits; one too large for a double is an error in RapidJSON."""
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


_DECODER = json.JSONDecoder(parse_float=_finite)


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``.

    Args:
        body: A request's body.

    Raises:
        InvalidRequestError: No document, a document with an error, or one that is not an object.

    Example:
        >>> parse(b'{"instances": [1.5]} trailing words')
        {'instances': [1.5]}
    """
    if not body:
        raise InvalidRequestError("JSON Parse error: The document is empty")
    try:
        document = _loads(body)
    except orjson.JSONDecodeError:
        document = _parse_leniently(body)
    if not isinstance(document, dict):
        raise InvalidRequestError(f"JSON Value: {to_text(document)} Is not object")
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


def _parse_leniently(body: bytes) -> Any:
    text = body.decode("utf-8", "surrogateescape")
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    if start == len(text):
        raise InvalidRequestError(f"JSON Parse error: The document is empty. at offset: {len(body)}")
    _check_surrogates(text)
    try:
        return _DECODER.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "surrogateescape"))
        raise InvalidRequestError(f"JSON Parse error: {_message(error, text)} at offset: {offset}") from None
    except RecursionError:
        raise InvalidRequestError("JSON Parse error: The document is nested too deeply.") from None
    except ValueError:  # from _finite, or an integer of more digits than Python converts
        raise InvalidRequestError(
            "JSON Parse error: Number too big to be stored in double. at offset: 0"
        ) from None


def _check_surrogates(text: str) -> None:
    """Refuse half of a surrogate pair, which the standard library lets pass and no encoding can carry."""
    expected_at = -1  # where the second half of a pair must begin
    for match in _ESCAPE.finditer(text):
        unit = int(match[1], 16) if match[1] else 0
        second = 0xDC00 <= unit < 0xE000
        if second != (match.start() == expected_at):
            raise InvalidRequestError(
                "JSON Parse error: The surrogate pair in string is invalid. at offset: "
                f"{len(text[: match.start()].encode('utf-8', 'surrogateescape'))}"
            )
        expected_at = match.end() if 0xD800 <= unit < 0xDC00 else -1
    if expected_at >= 0:
        raise InvalidRequestError(
            "JSON Parse error: The surrogate pair in string is invalid. at offset: "
            f"{len(text[:expected_at].encode('utf-8', 'surrogateescape'))}"
        )


def _message(error: json.JSONDecodeError, text: str) -> str:
    if error.msg == _COMMA:
        # Which container is open is not reported: count back to the bracket that encloses the position.
        depth = 0
        for character in reversed(text[: error.pos]):
            if character in "]}":
                depth += 1
            elif character in "[{":
                if depth == 0:
                    ending = "] after an array element" if character == "[" else "} after an object member"
                    return f"Missing a comma or {ending}."
                depth -= 1
    return _MESSAGES.get(error.msg, "Unspecific syntax error.")


def to_text(value: Any) -> str:
    """Return a value as error messages quote it: indented by four spaces.

    Example:
        >>> to_text("x")
        '"x"'
    """
    try:
        return json.dumps(value, indent=4, ensure_ascii=False)
    except (RecursionError, UnicodeEncodeError):
        return "(a value that cannot be shown)"


def type_name(value: Any) -> str:
    """Return RapidJSON's name of a value's type.

    Example:
        >>> [type_name(value) for value in (None, True, 1.5, [])]
        ['Null', 'True', 'Number', 'Array']
    """
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    return _TYPE_NAMES[type(value)]


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
