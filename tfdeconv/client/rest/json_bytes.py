"""JSON as TensorFlow Serving writes and reads it: with NaN, infinities, and strings of any bytes.

orjson, where installed, is an order of magnitude faster on arrays of floats but knows strict JSON only;
what it cannot express or read goes to the standard library.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

try:
    import orjson
except ModuleNotFoundError:
    orjson = None  # type: ignore[assignment]


def dumps(document: Any) -> bytes:
    """Return a document, whose values may be numeric arrays, as JSON.

    Example:
        >>> dumps({"inputs": np.array([[1.0, np.nan]], np.float32)})
        b'{"inputs": [[1.0, NaN]]}'
    """
    if orjson is not None and _is_strict(document):
        return orjson.dumps(document, default=_to_list, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(document, default=_to_list, ensure_ascii=False).encode()


def loads(payload: bytes) -> Any:
    """Return the document of a JSON text; bytes of strings that are not UTF-8 survive as surrogate escapes.

    Raises:
        ValueError: The payload is not JSON.

    Example:
        >>> loads(b'[1.5, NaN]')
        [1.5, nan]
    """
    with _collector_paused():
        if orjson is not None:
            try:
                return orjson.loads(payload)
            except orjson.JSONDecodeError:
                pass  # NaN, or stray bytes: the standard library reads both, or says what is wrong
        return json.loads(payload.decode("utf-8", "surrogateescape"))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking the hundred thousands of lists of an image as they appear.

    Where TensorFlow is loaded too, its own objects are walked with them: seconds for an image of 512 x 512.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _to_list(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _is_strict(value: Any) -> bool:
    """Return whether strict JSON can express a document: orjson would write NaN as null."""
    if isinstance(value, dict):
        return all(_is_strict(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_strict(item) for item in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    return not isinstance(value, float) or bool(np.isfinite(value))
