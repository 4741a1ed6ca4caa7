"""Large regular arrays in a JSON document, taken out before the document becomes Python objects.

A picture in JSON is millions of numbers in as many lists: as Python objects they take ten times the memory
of the text. A regular array is its shape and its values: with every value struck out, the text must equal
the one pattern of brackets and commas that its shape makes, which is compared as fast as memory is. The
values left over have no structure, and become an array piece by piece.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfdeconv.serving import cancellation
from tfdeconv.wire import dtypes

# Shorter ones are left to the JSON parser.
_SHORTEST = 1 << 12
_PIECE = 1 << 20
# Possessive: each character is looked at once, whatever the text.
_RUN = re.compile(rb"\[[\[\]A-Za-z0-9+\-., \t\r\n]*+")
_BLANKS = b" \t\r\n"
_STRUCK_OUT = bytes(byte if byte in b"[]," else b"0"[0] for byte in range(256))
_WITHOUT_BRACKETS = bytes(b" "[0] if byte in b"[]" else byte for byte in range(256))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """An array whose values are still text.

    Attributes:
        text: The array as it stands in the document.
        shape: Sizes, none of them 0.
        offset: Where it stands.
    """

    text: bytes
    shape: tuple[int, ...]
    offset: int

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield the values in order, as JSON lists of about a megabyte each, with their offsets.

        Raises:
            ServingError: Nobody waits for the answer any more.
        """
        start = 0
        while start < len(self.text):
            cancellation.check()
            end = self.text.find(b",", start + _PIECE)
            end = len(self.text) if end < 0 else end
            yield self.offset + start - 1, b"[%b]" % self.text[start:end].translate(_WITHOUT_BRACKETS)
            start = end + 1

    def __str__(self) -> str:
        """Return the first part, as messages show it."""
        return self.text[:256].decode("ascii", "replace")


class IrregularError(ValueError):
    """The elements of an array differ in shape; the message is the index of the first that does."""


def take_out(body: bytes) -> tuple[bytes, dict[str, Dense], int | None]:
    """Take the large regular arrays out of a document.

    Args:
        body: A JSON document, or something that claims to be one.

    Returns:
        The document with a string in place of each array; the arrays by these strings; and the index of
        the first bad element of a large array that is not regular (it stays in the document), or None.

    Example:
        >>> rest, arrays, _ = take_out(b'{"instances": [%b]}' % b",".join([b"[1, 2]"] * 1000))
        >>> [array.shape for array in arrays.values()]
        [(1000, 2)]
    """
    parts: list[bytes] = []
    arrays: dict[str, Dense] = {}
    bad_element = None
    position = 0
    token = secrets.token_hex()  # no client can have sent it
    for run in _RUN.finditer(body):
        start, end = run.start(), body.rfind(b"]", run.start(), run.end()) + 1
        if end - start < _SHORTEST:
            continue
        cancellation.check()
        text = body[start:end]
        try:
            shape = regular_shape(text)
        except IrregularError as error:
            bad_element = int(str(error))
            continue
        if shape is not None:
            place = f"{token} {len(arrays)}"
            arrays[place] = Dense(text, shape, start)
            parts += [body[position:start], b'"%b"' % place.encode()]
            position = end
    return b"".join([*parts, body[position:]]), arrays, bad_element


def regular_shape(text: bytes) -> tuple[int, ...] | None:
    """Return the shape of a regularly nested array without empty lists, or None for anything else.

    The values themselves are not looked at.

    Raises:
        IrregularError: Its elements differ in shape.

    Example:
        >>> regular_shape(b"[[1, 2, 3], [4, 5, 6]]")
        (2, 3)
    """
    struck = text.translate(_STRUCK_OUT, _BLANKS)
    structure = struck.translate(None, b"0")
    depth = len(structure) - len(structure.lstrip(b"["))
    if depth > dtypes.MAX_RANK:
        return None
    shape: list[int] = []
    pattern = b""  # one element of the list at hand
    for level in reversed(range(depth)):
        # A regular array's first list at this level ends with the first run of so many closing brackets.
        end = structure.find(b"]" * (depth - level)) + depth - level - 1
        size, rest = divmod(end - level, len(pattern) + 1)
        whole = b"[%b]" % ((pattern + b",") * size)[:-1]
        if rest or structure[level : end + 1] != whole:
            raise IrregularError(_first_difference(structure, pattern) if level == 0 else 0)
        shape.insert(0, size)
        pattern = whole
    if pattern != structure:
        return None
    return tuple(shape) if _every_value_in_place(struck) else None


def _every_value_in_place(struck: bytes) -> bool:
    """Whether each innermost bracket and comma has a value beside it, and no other bracket has one."""
    text = np.frombuffer(struck, np.uint8)
    for start in range(0, len(text), _PIECE):
        value, opens, closes, comma = (text[start : start + _PIECE + 1] == ord(mark) for mark in "0[],")
        wrong = value[:-1] & opens[1:]  # 1[2]
        wrong |= closes[:-1] & value[1:]  # [2]1
        wrong |= (opens | comma)[:-1] & (closes | comma)[1:]  # [] [, ,, ,]
        if wrong.any():
            return False
    return True


def _first_difference(structure: bytes, pattern: bytes) -> int:
    """Return the index of the element at which a list stops to repeat ``pattern``."""
    unit = len(pattern) + 1
    expected = (pattern + b",") * (len(structure) // unit + 1)
    length = min(len(structure) - 1, len(expected))
    differs = np.frombuffer(structure, np.uint8, length, 1) != np.frombuffer(expected, np.uint8, length)
    return int(differs.argmax()) // unit if differs.any() else length // unit


def put_back(document: Any, arrays: Mapping[str, Dense]) -> bool:
    """Put the arrays that ``take_out`` took at their places, where a request has arrays.

    Returns:
        Whether each has found its place.
    """
    left = dict(arrays)

    def place(holder: Any, key: Any) -> None:
        value = holder[key]
        if isinstance(value, str) and value in left:
            holder[key] = left.pop(value)

    holders: list[Any] = [document] if isinstance(document, dict) else []
    for _ in range(3):  # the document, its rows or columns, the columns of its rows
        inner = []
        for holder in holders:
            keys = range(len(holder)) if isinstance(holder, list) else list(holder)
            for key in keys:
                place(holder, key)
            inner += [value for value in (holder[key] for key in keys) if isinstance(value, dict | list)]
        if not left:
            break
        holders = inner
    return not left
