"""How many values a JSON document holds, by its text: each becomes a Python object of up to 100 bytes."""

from __future__ import annotations

import re

from tfdeconv.errors import ResourceExhaustedError

MAX_VALUES = 4_000_000
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def check(text: bytes, limit: int, *, bad_element: int | None = None) -> None:
    """Refuse a document of too many values before it is parsed.

    Args:
        text: The document, without its large regular arrays.
        limit: Most values.
        bad_element: Index of the row at which an array stops to be regular. Defaults to none.

    Raises:
        ResourceExhaustedError: It holds more.

    Example:
        >>> check(b"[[],[],[]]", 2)
        Traceback (most recent call last):
        tfdeconv.errors.ResourceExhaustedError: The document holds 6 values outside regular arrays of \
numbers; this server takes at most 2 (--max_json_values).
    """
    count = _count(text)
    if count > limit and text.count(b'"') <= limit // 4:
        count = _count(_STRING.sub(b"", text))  # commas in texts are none
    if count <= limit:
        return
    element = "" if bad_element is None else f" (element {bad_element} differs in shape from element 0)"
    raise ResourceExhaustedError(
        f"The document holds {count} values outside regular arrays of numbers{element}; "
        f"this server takes at most {limit} (--max_json_values)."
    )


def _count(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
