"""The body of a request: as large as the server allows, and unpacked."""

from __future__ import annotations

import zlib

from starlette.requests import Request

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


async def read(request: Request, limit: int) -> bytes | None:
    """Return the body, or None as soon as it is larger than ``limit`` bytes."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        return None
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return None
    return b"".join(chunks)


def unpack(body: bytes, limit: int) -> bytes:
    """Return the content of a gzip body; empty if it does not unpack or is larger than ``limit``.

    Example:
        >>> import gzip
        >>> unpack(gzip.compress(b"{}"), 100), unpack(b"no gzip", 100), unpack(gzip.compress(b"x" * 101), 100)
        (b'{}', b'', b'')
    """
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return b""
    return content if unpacker.eof and len(content) <= limit else b""
