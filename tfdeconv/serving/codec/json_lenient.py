"""JSON that orjson does not read: NaN, repeated names, and errors in RapidJSON's words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_error

_BLANK = re.compile(r"[ \t\n\r]*+")
_STRING_OR_INF = re.compile(r'"(?:[^"\\]++|\\.)*+"|Inf(?!i)|-NaN', re.DOTALL)
# With these, or nothing, RapidJSON finds no document at all.
_NO_BEGINNING = ("", "\0", ",", ":", "]", "}")
# RapidJSON keeps whole numbers of 64 bits; others are doubles.
_INT64_MIN, _UINT64_MAX = -(1 << 63), (1 << 64) - 1
_LONGEST_INTEGER = 20


class RepeatedNames(dict[str, Any]):
    """An object in which names repeat: the first of each, as a look-up in RapidJSON finds it.

    Attributes:
        members: All of them, in order.
    """

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(members))
        self.members = members


def last_members(value: dict[str, Any]) -> Mapping[str, Any]:
    """Return the members of an object, the last of each name where it repeats."""
    return dict(value.members) if isinstance(value, RepeatedNames) else value


def members(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the names and values of an object in the order of the text, repeated names too."""
    return value.members if isinstance(value, RepeatedNames) else value.items()


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    return found if len(found) == len(members) else RepeatedNames(members)


def _float(text: str) -> float:
    """Return a number that is written in digits; some that are too large for a double are errors."""
    number = float(text)
    if math.isinf(number) and json_error.is_too_big(text):
        raise ValueError
    return number


def _int(text: str) -> int | float:
    if len(text) > _LONGEST_INTEGER:
        return _float(text)
    number = int(text)
    return number if _INT64_MIN <= number <= _UINT64_MAX else float(text)


_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_int, object_pairs_hook=_object)


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
    if text[start : start + 1] in _NO_BEGINNING:
        raise _error("The document is empty.", offset + start)
    longer: list[int] = []  # where a word has grown, in the text that is parsed
    text = _with_the_standard_librarys_words(text, longer)
    found: Any = None
    error: tuple[str, int] | None = None
    try:
        found, end = _DECODER.raw_decode(text, start)
        error = json_error.unfinished_number(text, end)
    except json.JSONDecodeError as raised:
        end = len(text)
        error = json_error.translated(raised, text)
    except RecursionError:
        raise InvalidRequestError("JSON Parse error: The document is nested too deeply.") from None
    except ValueError:  # of _float
        end = len(text)
        error = json_error.first_too_big(text)
    lone = json_error.first_lone_surrogate(text, end)
    if lone is not None and (error is None or lone[1] < error[1]):
        error = lone
    if error is not None:
        message, position = error
        raise _error(
            message, offset + _size(text, position) - sum(5 if at < position else 0 for at in longer)
        )
    return found


def _error(message: str, offset: int) -> InvalidRequestError:
    return InvalidRequestError(f"JSON Parse error: {message} at offset: {offset}")


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
