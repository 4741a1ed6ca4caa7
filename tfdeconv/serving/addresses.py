"""Addresses to listen on, and those that reach them."""

from __future__ import annotations

import socket

from tfdeconv.errors import ServingError


def bound_socket(protocol: str, host: str, port: int) -> socket.socket:
    """Return a TCP socket bound to an address, not listening yet.

    Raises:
        ServingError: The port is in use, or the address is not this machine's.
    """
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise ServingError(
            f"Cannot listen for {protocol} on {host}:{port}: {error.strerror or error}. "
            "Choose another port, or 0 for any free one."
        ) from None
    return found


def bracketed(host: str) -> str:
    """Return a host as it stands before a port.

    Example:
        >>> bracketed("::1"), bracketed("127.0.0.1")
        ('[::1]', '127.0.0.1')
    """
    return f"[{host}]" if ":" in host else host


def reachable(host: str) -> str:
    """Return an address that a client on this machine can connect to.

    Example:
        >>> reachable("0.0.0.0"), reachable("::"), reachable("10.0.0.7")
        ('127.0.0.1', '[::1]', '10.0.0.7')
    """
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return bracketed(host)
