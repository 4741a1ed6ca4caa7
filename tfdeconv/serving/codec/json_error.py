"""What is wrong with a JSON text, and where: the standard library's complaint in RapidJSON's words.

Both read from left to right and stop at the same word, so only what lies beside the place of the complaint
has to be looked at. RapidJSON 1.1.0 (``reader.h``, ``error/en.h``), which TensorFlow Serving is built with.
"""

from __future__ import annotations

import json
import math
import re

import numpy as np

_Error = tuple[str, int]
"""Message, and its place in the text."""

_VALUE = "Invalid value."
_NAME = "Missing a name for object member."
_COLON = "Missing a colon after a name of object member."
_QUOTE = "Missing a closing quotation mark in string."
_ESCAPE = "Invalid escape character in string."
_HEX = "Incorrect hex digit after \\u escape in string."
_PAIR = "The surrogate pair in string is invalid."
_FRACTION = "Miss fraction part in number."
_EXPONENT = "Miss exponent in number."
_TOO_BIG = "Number too big to be stored in double."
_WORDS = {"n": "null", "t": "true", "f": "false", "N": "NaN", "I": "Infinity"}
_HEX_DIGITS = re.compile("[0-9a-fA-F]{4}")
_AFTER_COMMA = re.compile(r",[ \t\n\r]*+")
_BACKSLASHES = re.compile(r"\\*\Z")
_NUMBER = re.compile(r"-?\d++(\.\d++)?([eE][+-]?\d++)?")
_NUMBER_END = re.compile(r"[-+.\deE]*\Z")
_EXPONENT_MARK = re.compile("[eE][+-]?")
# Everything up to a half of a surrogate pair that has no other half. RapidJSON 1.1.0 takes a second half
# alone and makes bytes of it that are not UTF-8; later versions refuse it.
_WHOLE_PAIRS = re.compile(
    r"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+",
    re.DOTALL,
)
_STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]++|\\.)*+"|-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?', re.DOTALL)
_LARGEST_EXPONENT, _EXPONENT_DIGITS = 308, 9
_BLOCK = 1 << 16


def translated(error: json.JSONDecodeError, text: str) -> _Error:
    """Return RapidJSON's message and place for an error of the standard library.

    Example:
        >>> try:
        ...     json.loads("[1.]")
        ... except json.JSONDecodeError as error:
        ...     translated(error, "[1.]")
        ('Miss fraction part in number.', 3)
    """
    message, place = error.msg, error.pos
    if message.startswith("Expecting value"):
        return _VALUE, _end_of_word(text, place)
    if message.startswith("Illegal trailing comma"):  # since Python 3.13
        after = _AFTER_COMMA.match(text, place).end()  # type: ignore[union-attr]  # the comma is there
        return (_VALUE if text[after : after + 1] == "]" else _NAME), after
    if message.startswith("Expecting property name"):
        return _NAME, place
    if message.startswith("Expecting ':'"):
        return _COLON, place
    if message.startswith("Expecting ','"):
        return unfinished_number(text, place) or (_missing_comma(text[:place]), place)
    if message.startswith("Invalid control character"):
        return (_QUOTE if text[place] == "\0" else _ESCAPE), place
    if message.startswith("Invalid \\escape"):
        return _ESCAPE, place
    if message.startswith("Invalid \\u") and not _HEX_DIGITS.match(text, place + 1):
        return _HEX, place - 1
    if len(_BACKSLASHES.search(text)[0]) % 2:  # type: ignore[index]  # it matches anywhere
        return _ESCAPE, len(text) - 1
    return _QUOTE, len(text)


def _end_of_word(text: str, place: int) -> int:
    """Return where a word stops to be one of JSON's."""
    place += text.startswith("-", place)
    word = _WORDS.get(text[place : place + 1], "")
    if place and text[place - 1] == "-" and word not in ("NaN", "Infinity"):
        return place
    same = 0
    while same < len(word) and text[place + same : place + same + 1] == word[same]:
        same += 1
    return place + same


def unfinished_number(text: str, place: int) -> _Error | None:
    """Return the error of a number that is read up to ``place`` and is going on there, if it is."""
    following = text[place : place + 1]
    if following not in (".", "e", "E"):
        return None
    before = text[_NUMBER_END.search(text, 0, place).start() : place]  # type: ignore[union-attr]
    number = _NUMBER.fullmatch(before)
    if number is None or number[2] or (following == "." and number[1]):
        return None
    if following == ".":
        return _FRACTION, place + 1
    return _EXPONENT, _EXPONENT_MARK.match(text, place).end()  # type: ignore[union-attr]


def first_lone_surrogate(text: str, end: int) -> _Error | None:
    """Return the error of the first half of a surrogate pair that is alone before ``end``."""
    place = _WHOLE_PAIRS.match(text, 0, end).end()  # type: ignore[union-attr]
    if not text.startswith("\\u", place, end):
        return None
    second = text.startswith("\\u", place + 6) and not _HEX_DIGITS.match(text, place + 8)
    return (_HEX if second else _PAIR), place


def is_too_big(number: str) -> bool:
    """Whether a number that no double holds is an error; the others are infinite."""
    mantissa, _, exponent = number.lower().lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    exponent = exponent.lstrip("+0")
    if len(whole) > _LARGEST_EXPONENT or len(exponent) > _EXPONENT_DIGITS:
        return True
    return int(exponent or 0) > _LARGEST_EXPONENT + len(fraction)


def first_too_big(text: str) -> _Error:
    """Return the error of the first number that is too big."""
    for found in _STRING_OR_NUMBER.finditer(text):
        number = found[0]
        if not number.startswith('"') and math.isinf(float(number)) and is_too_big(number):
            return _TOO_BIG, found.start()
    return _TOO_BIG, 0


def _missing_comma(text: str) -> str:
    """Which container is open is not reported."""
    closing, kind = ("]", "an array element") if _enclosing(text) == "[" else ("}", "an object member")
    return f"Missing a comma or '{closing}' after {kind}."


def _enclosing(text: str) -> str:
    """Return the last bracket in ``text`` that is still open, counting back from the end."""
    octets = text.encode("utf-8", "surrogateescape").replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
    depth = quotes = 0
    for end in range(len(octets), 0, -_BLOCK):
        block = np.frombuffer(octets[max(0, end - _BLOCK) : end], np.uint8)[::-1]
        inside = (quotes + np.cumsum(block == ord('"'))) % 2
        steps = (np.isin(block, list(b"[{")).astype(np.int32) - np.isin(block, list(b"]}"))) * (1 - inside)
        depths = depth + np.cumsum(steps)
        if (depths > 0).any():
            return chr(block[int((depths > 0).argmax())])
        depth = int(depths[-1])
        quotes += int((block == ord('"')).sum())
    return ""
