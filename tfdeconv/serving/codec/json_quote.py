"""Values as error messages quote them: RapidJSON's ``PrettyWriter``, cut as TensorFlow Serving cuts it."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tfdeconv.serving.codec import json_lenient

# json_tensor.cc, kMaxJsonDebugStringBytes: no token begins behind it.
_LONGEST = 256
# TensorFlow Serving writes a string whole, however long.
_LONGEST_TOKEN = 1024
_INDENT = 4
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|.)")
_TYPE_NAMES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


class _UnwritableError(Exception):
    """RapidJSON stops to write at a number that is not finite."""


def to_text(value: Any) -> str:
    """Return a value as error messages quote it: arrays on one line, cut after about 256 characters.

    Example:
        >>> print(to_text({"x": [1, 2.5]}))
        {
            "x": [1, 2.5]
        }
        >>> len(to_text([0] * 1000))
        257
    """
    text, size = [], 0
    with contextlib.suppress(_UnwritableError):
        for token in _tokens(value, "", 0):
            text.append(token)
            size += len(token.encode("utf-8", "replace"))
            if size >= _LONGEST:
                break
    return "".join(text)


def _tokens(value: Any, before: str, depth: int) -> Iterator[str]:
    """Yield brackets, names and values, each with what stands before it."""
    if isinstance(value, dict):
        yield f"{before}{{"
        for index, (key, content) in enumerate(json_lenient.members(value)):
            yield f"{',' if index else ''}\n{' ' * _INDENT * (depth + 1)}{_string(key)}"
            yield from _tokens(content, ": ", depth + 1)
        yield f"\n{' ' * _INDENT * depth}}}" if value else "}"
    elif isinstance(value, list):
        yield f"{before}["
        for index, content in enumerate(value):
            yield from _tokens(content, ", " if index else "", depth + 1)
        yield "]"
    elif isinstance(value, str):
        yield before + _string(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield before
            raise _UnwritableError
        yield before + _number(value)
    elif value is None or isinstance(value, bool | int):
        yield before + json.dumps(value)
    else:
        yield before + str(value)


def _string(value: str) -> str:
    quoted = json.dumps(value[:_LONGEST_TOKEN], ensure_ascii=False)
    text = _ESCAPED.sub(lambda found: f"\\u{found[1].upper()}" if found[1] else found[0], quoted)
    return text if len(value) < _LONGEST_TOKEN else f"{text[:_LONGEST_TOKEN]}..."


def _number(value: float) -> str:
    """Return the digits of Grisu2 as RapidJSON lays them out: no exponent from 1e-6 to 1e21, no plus sign."""
    if value and not 1e-6 <= abs(value) < 1e21:
        return repr(value).replace("e+", "e").replace("e-0", "e-")
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"


def type_name(value: Any) -> str:
    """Return RapidJSON's name of a value's type.

    Example:
        >>> [type_name(value) for value in (None, True, 1.5, [])]
        ['Null', 'True', 'Number', 'Array']
    """
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    return _TYPE_NAMES.get(type(value), "Array")
