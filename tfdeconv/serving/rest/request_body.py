"""The body of a request: as large as the server allows, and unpacked."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Iterator

from starlette.requests import Request

from tfdeconv.errors import UnavailableError
from tfdeconv.serving import cancellation

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PIECE = 1 << 16
_PADDING = re.compile(rb"\0*+")
# Of 20 bytes and more; each costs a microsecond or more whatever it holds.
_MAX_MEMBERS = 1 << 14


class HeldBytes:
    """The bytes of all bodies that are in memory.

    Args:
        limit: Most of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._free = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Hold more bytes.

        Raises:
            UnavailableError: They are more than the limit leaves.
        """
        with self._lock:
            enough = size <= self._free
            self._free -= size * enough
        if not enough:
            raise UnavailableError(
                f"The requests that this server has received and not answered yet hold {self._limit} bytes, "
                "its limit; try again"
            )

    def give(self, size: int) -> None:
        """Hold fewer bytes."""
        with self._lock:
            self._free += size


async def read(request: Request, limit: int, held: HeldBytes) -> bytes | None:
    """Return the body, whose bytes the caller gives back; None as soon as it is larger than ``limit`` bytes.

    Raises:
        UnavailableError: With it, all requests together would hold too much.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        return None
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            held.take(len(chunk))
            size += len(chunk)
            if size > limit:
                held.give(size)
                return None
            chunks.append(chunk)
    except BaseException:
        held.give(size)
        raise
    return b"".join(chunks)


def unpack(body: bytes, limit: int) -> bytes:
    """Return the content of a gzip body; empty if it does not unpack or is larger than ``limit``.

    Example:
        >>> import gzip
        >>> unpack(gzip.compress(b"{}"), 100), unpack(b"no gzip", 100), unpack(gzip.compress(b"x" * 101), 100)
        (b'{}', b'', b'')
    """
    try:
        return b"".join(_pieces(body, limit))
    except zlib.error:
        return b""


def _pieces(body: bytes, limit: int) -> Iterator[bytes]:
    """Yield the content of all members (RFC 1952, section 2.2), up to an error."""
    size = position = members = 0
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    while position < len(body):
        cancellation.check()
        # Piece by piece: zlib copies what follows the end of a member.
        piece = body[position : position + _PIECE]
        content = unpacker.decompress(piece, limit + 1 - size)
        size += len(content)
        if size > limit:
            raise zlib.error("too large")
        yield content
        position += len(piece) - len(unpacker.unused_data)
        if unpacker.eof:
            position = _PADDING.match(body, position).end()  # type: ignore[union-attr]  # it matches anywhere
            if position == len(body):
                return
            members += 1
            if members > _MAX_MEMBERS:
                raise zlib.error("too many members")
            unpacker = zlib.decompressobj(_GZIP_WINDOW)
    raise zlib.error("cut off")
