"""Values as error messages quote them: RapidJSON's ``PrettyWriter``, cut as TensorFlow Serving cuts it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

# json_tensor.cc, kMaxJsonDebugStringBytes: no token begins behind it.
_LONGEST = 256
# TensorFlow Serving writes a string whole, however long.
_LONGEST_TOKEN = 1024
_INDENT = 4
_TYPE_NAMES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def to_text(value: Any) -> str:
    """Return a value as error messages quote it: arrays on one line, cut after about 256 characters.

    Example:
        >>> print(to_text({"x": [1, 2.5]}))
        {
            "x": [1, 2.5]
        }
        >>> len(to_text([0] * 1000))
        256
    """
    text, size = [], 0
    for token in _tokens(value, 0):
        token = token if len(token) <= _LONGEST_TOKEN else f"{token[:_LONGEST_TOKEN]}..."
        text.append(token)
        size += len(token)
        if size >= _LONGEST:
            break
    return "".join(text)


def _tokens(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for index, (key, content) in enumerate(value.items()):
            comma = "," if index else ""
            yield f"{comma}\n{' ' * _INDENT * (depth + 1)}{_string(key)}"
            yield ": "
            yield from _tokens(content, depth + 1)
        yield f"\n{' ' * _INDENT * depth}}}" if value else "}"
    elif isinstance(value, list):
        yield "["
        for index, content in enumerate(value):
            if index:
                yield ", "
            yield from _tokens(content, depth + 1)
        yield "]"
    elif isinstance(value, str):
        yield _string(value)
    elif isinstance(value, float):
        yield _number(value)
    elif value is None or isinstance(value, bool | int):
        yield json.dumps(value)
    else:
        yield str(value)


def _string(value: str) -> str:
    return json.dumps(value[:_LONGEST_TOKEN], ensure_ascii=False)


def _number(value: float) -> str:
    """Return the digits of Grisu2 as RapidJSON lays them out: no exponent up to 21 digits, no plus sign."""
    if not math.isfinite(value):
        return json.dumps(value)
    if 1e16 <= abs(value) < 1e21:
        return f"{int(value)}.0"
    return repr(value).replace("e+", "e").replace("e-0", "e-")


def type_name(value: Any) -> str:
    """Return RapidJSON's name of a value's type.

    Example:
        >>> [type_name(value) for value in (None, True, 1.5, [])]
        ['Null', 'True', 'Number', 'Array']
    """
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    return _TYPE_NAMES.get(type(value), "Array")
