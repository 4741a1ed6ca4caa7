"""The JSON document of an error."""

from __future__ import annotations

import orjson


def error_body(text: str) -> bytes:
    """Return the JSON document of an error."""
    return orjson.dumps({"error": text.encode("utf-8", "replace").decode()})
