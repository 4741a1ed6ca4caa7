"""Addresses to listen on, and those that reach them."""

from __future__ import annotations

import errno
import socket

from tfdeconv.errors import ServingError

_ALL = ("0.0.0.0", "::")
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def bound_socket(protocol: str, host: str, port: int) -> socket.socket:
    """Return a TCP socket bound to an address, not listening yet.

    Either name of all addresses means those of IPv4 and IPv6, as for gRPC and as TensorFlow Serving's REST
    port has it; a machine without IPv6 has those of IPv4 alone.

    Raises:
        ServingError: The port is in use, or the address is not this machine's.
    """
    plain = host.removeprefix("[").removesuffix("]")
    try:
        if plain not in _ALL:
            return _bound(socket.AF_INET6 if ":" in plain else socket.AF_INET, plain, port)
        try:
            return _bound(socket.AF_INET6, "::", port)
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
        return _bound(socket.AF_INET, "0.0.0.0", port)
    except OSError as error:
        remedy = (
            "Choose another port, or 0 for any free one."
            if error.errno in (errno.EADDRINUSE, errno.EACCES)
            else "host must be an address of this machine: 127.0.0.1 or ::1 for clients on it alone, 0.0.0.0 "
            "or :: for all."
        )
        raise ServingError(
            f"Cannot listen for {protocol} on {bracketed(host)}:{port}: {error.strerror or error}. {remedy}"
        ) from None


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == "::":
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        found.bind((host, port))
    except BaseException:
        found.close()
        raise
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
