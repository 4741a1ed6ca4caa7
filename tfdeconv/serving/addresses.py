"""Addresses to listen on, and those that reach them."""

from __future__ import annotations

import errno
import socket

from tfdeconv.errors import ServingError


def bound_socket(protocol: str, host: str, port: int) -> socket.socket:
    """Return a TCP socket bound to an address, not listening yet.

    Raises:
        ServingError: The port is in use, or the address is not this machine's.
    """
    plain = host.removeprefix("[").removesuffix("]")
    found = socket.socket(socket.AF_INET6 if ":" in plain else socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((plain, port))
    except OSError as error:
        found.close()
        remedy = (
            "Choose another port, or 0 for any free one."
            if error.errno in (errno.EADDRINUSE, errno.EACCES)
            else "host must be an address of this machine: 127.0.0.1 or ::1 for clients on it alone, 0.0.0.0 "
            "or :: for all."
        )
        raise ServingError(
            f"Cannot listen for {protocol} on {bracketed(host)}:{port}: {error.strerror or error}. {remedy}"
        ) from None
    return found


def bracketed(host: str) -> str:
    """Return a host as it stands before a port.

    Example:
        >>> bracketed("::1"), bracketed("127.0.0.1")
        ('[::1]', '127.0.0.1')
    """
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def reachable(host: str) -> str:
    """Return an address that a client on this machine can connect to.

    Example:
        >>> reachable("0.0.0.0"), reachable("::"), reachable("10.0.0.7")
        ('127.0.0.1', '[::1]', '10.0.0.7')
    """
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(bracketed(host), bracketed(host))
