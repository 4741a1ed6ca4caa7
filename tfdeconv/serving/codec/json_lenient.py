"""JSON that orjson does not read: NaN, repeated names, and errors in RapidJSON's words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

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
_BLANK = re.compile(r"[ \t\n\r]*+")
# Everything up to the first half of a surrogate pair that has no other half.
_WHOLE_PAIRS = re.compile(
    r"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+",
    re.DOTALL,
)
_STRING_OR_INF = re.compile(r'"(?:[^"\\]++|\\.)*+"|Inf(?!inity)|-NaN', re.DOTALL)
_BLOCK = 1 << 16


class RepeatedNames(dict[str, Any]):
    """An object in which names repeat: the first of each, as a look-up in RapidJSON finds it.

    Attributes:
        last: The last of each.
    """

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(members))
        self.last = dict(members)


def last_members(value: dict[str, Any]) -> Mapping[str, Any]:
    """Return the members of an object, the last of each name where it repeats."""
    return value.last if isinstance(value, RepeatedNames) else value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    return found if len(found) == len(members) else RepeatedNames(members)


def _finite(text: str) -> float:
    """Return a number that is written in digits; one too large for a double is an error in RapidJSON."""
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


_DECODER = json.JSONDecoder(parse_float=_finite, object_pairs_hook=_object)


def parse(body: bytes, offset: int = 0) -> Any:
    """Return the first JSON document in ``body``.

    Args:
        body: The text.
        offset: Where it begins in what the client has sent. Defaults to 0.

    Raises:
        InvalidRequestError: There is none, or one with an error.

    Example:
        >>> parse(b'{"a": [NaN, -Inf], "a": 2}')
        {'a': [nan, -inf]}
    """
    text = body.decode("utf-8", "surrogateescape")
    start = _BLANK.match(text).end()  # type: ignore[union-attr]  # it matches anywhere
    if start == len(text):
        raise InvalidRequestError(f"JSON Parse error: The document is empty. at offset: {offset + len(body)}")
    pairs_end = _WHOLE_PAIRS.match(text).end()  # type: ignore[union-attr]
    if text.startswith("\\u", pairs_end):
        raise InvalidRequestError(
            "JSON Parse error: The surrogate pair in string is invalid. at offset: "
            f"{offset + _size(text, pairs_end)}"
        )
    longer: list[int] = []  # where a word has grown, in the text that is parsed
    text = _with_the_standard_librarys_words(text, longer)
    try:
        return _DECODER.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        place = offset + _size(text, error.pos) - sum(5 if at < error.pos else 0 for at in longer)
        raise InvalidRequestError(f"JSON Parse error: {_message(error, text)} at offset: {place}") from None
    except RecursionError:
        raise InvalidRequestError("JSON Parse error: The document is nested too deeply.") from None
    except ValueError:  # from _finite, or an integer of more digits than Python converts
        raise InvalidRequestError(
            "JSON Parse error: Number too big to be stored in double. at offset: 0"
        ) from None


def _size(text: str, end: int) -> int:
    return len(text[:end].encode("utf-8", "surrogateescape"))


def _with_the_standard_librarys_words(text: str, longer: list[int]) -> str:
    """Write ``Inf`` as ``Infinity`` and ``-NaN`` as `` NaN``."""
    if "Inf" not in text and "-NaN" not in text:
        return text

    def word(match: re.Match[str]) -> str:
        if match[0] == "Inf":
            longer.append(match.start() + 5 * len(longer))
            return "Infinity"
        return " NaN" if match[0] == "-NaN" else match[0]

    return _STRING_OR_INF.sub(word, text)


def _message(error: json.JSONDecodeError, text: str) -> str:
    if error.msg == _COMMA:
        # Which container is open is not reported.
        bracket = _enclosing(text[: error.pos].encode("utf-8", "surrogateescape"))
        if bracket:
            ending = "] after an array element" if bracket == "[" else "} after an object member"
            return f"Missing a comma or {ending}."
    return _MESSAGES.get(error.msg, "Unspecific syntax error.")


def _enclosing(text: bytes) -> str:
    """Return the last bracket in ``text`` that is still open, counting back from the end."""
    depth = 0
    for end in range(len(text), 0, -_BLOCK):
        block = np.frombuffer(text[max(0, end - _BLOCK) : end], np.uint8)[::-1]
        steps = np.isin(block, list(b"[{")).astype(np.int32) - np.isin(block, list(b"]}"))
        depths = depth + np.cumsum(steps)
        if (depths > 0).any():
            return chr(block[int((depths > 0).argmax())])
        depth = int(depths[-1])
    return ""
