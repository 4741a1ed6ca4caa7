"""What passes between an edge and a replica: a head, which is a JSON list, and a body of bytes."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Sequence
from typing import Any

_SIZES = struct.Struct("!IQ")
_SMALL = 1 << 16


def send(connection: socket.socket, head: Sequence[Any], body: bytes = b"") -> None:
    """Send a frame.

    Raises:
        OSError: The connection has ended.
    """
    text = json.dumps(head).encode()
    start = _SIZES.pack(len(text), len(body)) + text
    if len(body) <= _SMALL:
        connection.sendall(start + body)
    else:
        connection.sendall(start)
        connection.sendall(body)


def receive(connection: socket.socket) -> tuple[list[Any], bytes]:
    """Return the head and the body of the next frame.

    Raises:
        OSError: The connection has ended, at the latest within the frame.
    """
    head_size, body_size = _SIZES.unpack(exactly(connection, _SIZES.size))
    head = json.loads(exactly(connection, head_size))
    return head, exactly(connection, body_size)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Return the next ``size`` bytes.

    Raises:
        OSError: The connection has ended before.
    """
    if isinstance(connection, ssl.SSLSocket):
        return _encrypted(connection, size)
    data = b""
    while size > len(data):  # once, but for more than 2 GiB, and signals
        more = connection.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise ConnectionResetError("The connection has ended")
        data = data + more if data else more
    return data


def _encrypted(connection: ssl.SSLSocket, size: int) -> bytes:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = connection.recv_into(view[done:])
        if not count:
            raise ConnectionResetError("The connection has ended")
        done += count
    return bytes(data)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection."""
    try:
        # Not through SSLSocket.recv, which takes no flags.
        return not socket.socket.recv(connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def shut(connection: socket.socket) -> None:
    """End a connection, or the wait for one, in whatever thread it is being used."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # SSLSocket's own forgets that it is encrypted
