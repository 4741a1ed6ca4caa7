"""How both ends of a connection make sure of each other, before any request passes."""

from __future__ import annotations

import dataclasses
import hmac
import os
import secrets
import socket
import ssl

from tfdeconv.cluster.serving.channel import frames

SECONDS = 5.0
"""How long a connection may take to be made."""
_NONCE = 32


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where a replica listens.

    Attributes:
        host: Its node's address.
        port: Its port there.
        key: What both ends must know; it reaches them through Ray, and never passes over the connection.
    """

    host: str
    port: int
    key: bytes = dataclasses.field(repr=False)


def connect(address: Address) -> socket.socket:
    """Return a connection on which requests may be sent; it has no timeout.

    Raises:
        OSError: Nobody listens there in :data:`SECONDS`, or somebody who does not know the key.
    """
    connection = socket.create_connection((address.host, address.port), timeout=SECONDS)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context := _tls(ssl.PROTOCOL_TLS_CLIENT):
            connection = context.wrap_socket(connection, server_hostname=address.host)
        theirs = frames.exactly(connection, _NONCE)
        mine = secrets.token_bytes(_NONCE)
        connection.sendall(mine + _proof(address.key, b"edge", theirs, mine))
        proof = _proof(address.key, b"replica", mine, theirs)
        if not hmac.compare_digest(frames.exactly(connection, len(proof)), proof):
            raise ConnectionRefusedError("Another process listens where a replica did")
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def accept(raw: socket.socket, key: bytes) -> socket.socket:
    """Return a connection on which requests may be received; it has no timeout.

    Raises:
        OSError: Who connects does not know the key, or takes longer than :data:`SECONDS`.
    """
    connection = raw
    try:
        connection.settimeout(SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context := _tls(ssl.PROTOCOL_TLS_SERVER):
            connection = context.wrap_socket(connection, server_side=True)
        mine = secrets.token_bytes(_NONCE)
        connection.sendall(mine)
        theirs = frames.exactly(connection, _NONCE)
        proof = _proof(key, b"edge", mine, theirs)
        if not hmac.compare_digest(frames.exactly(connection, len(proof)), proof):
            raise PermissionError("Who connects does not know the key")
        connection.sendall(_proof(key, b"replica", theirs, mine))
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def _proof(key: bytes, role: bytes, asked: bytes, asking: bytes) -> bytes:
    return hmac.digest(key, role + asked + asking, "sha256")


def _tls(protocol: int) -> ssl.SSLContext | None:
    """Return TLS with both ends' certificates where Ray itself uses it (``RAY_USE_TLS``), or None."""
    if os.environ.get("RAY_USE_TLS", "0") == "0":
        return None
    context = ssl.SSLContext(protocol)
    context.load_verify_locations(os.environ["RAY_TLS_CA_CERT"])
    context.load_cert_chain(os.environ["RAY_TLS_SERVER_CERT"], os.environ["RAY_TLS_SERVER_KEY"])
    context.verify_mode = ssl.CERT_REQUIRED
    return context
