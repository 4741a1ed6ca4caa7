"""Where a client connects to, and how: URLs, TLS, headers, compression."""

from __future__ import annotations

import dataclasses
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tfdeconv.errors import InvalidArgumentError

# TensorFlow Serving's own ports; it speaks no TLS over REST, so https means a proxy in front of it.
_DEFAULT_PORTS = {"grpc": 8500, "grpcs": 8500, "http": 8501, "https": 443}
_DNS = "+dns"  # after a scheme: every address of the name is a server
_DNS_OF_GRPC = "dns:///"  # gRPC's own spelling
_FORMS = (
    "grpc://host:8500, grpcs://host:8500, http://host:8501, https://host, unix:/path/to/socket, or "
    "grpc+dns://service:8500 for all addresses of a name"
)


@dataclass(frozen=True, kw_only=True)
class TLS:
    """Files for an encrypted connection (``grpcs://``, ``https://``), in PEM form.

    Attributes:
        ca: Certificates to trust in place of the system's, e.g. of a private authority.
        certificate: The client's certificate chain, where the server asks for one (mutual TLS).
        key: The private key of ``certificate``, without a passphrase.

    Raises:
        InvalidArgumentError: A file is missing, or only one of ``certificate`` and ``key`` is given.
    """

    ca: str | Path | None = None
    certificate: str | Path | None = None
    key: str | Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InvalidArgumentError("certificate and key go together; received only one of them.")
        for name in ("ca", "certificate", "key"):
            path = getattr(self, name)
            if path is not None and not Path(path).is_file():
                raise InvalidArgumentError(f"{name} must be a PEM file; there is none at {path}.")

    def context(self) -> ssl.SSLContext:
        """Return the files as Python's TLS reads them.

        Raises:
            InvalidArgumentError: One is not what it should be, or the key does not fit the certificate.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                # An encrypted key must not ask for its passphrase on the terminal of a service.
                context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except ssl.SSLError as error:
            raise InvalidArgumentError(f"tls holds a file that is not usable PEM: {error}") from None
        return context


@dataclass(frozen=True)
class Endpoint:
    """A server's address and what every request to it carries.

    Attributes:
        url: As the caller wrote it, for messages.
        protocol: Which dialect and transport speak to it.
        address: gRPC target, or base URL.
        secure: Whether the connection is encrypted.
        name: The host that stands for several servers, one at each of its addresses; in the endpoint of such
            a server what it is called, also by its certificate. None: the host is one server.
    """

    url: str
    protocol: Literal["grpc", "rest"]
    address: str
    secure: bool
    tls: TLS = field(default_factory=TLS)
    headers: Mapping[str, str] = field(default_factory=dict)
    compression: Literal["gzip"] | None = None
    name: str | None = None

    def at(self, ip: str) -> Endpoint:
        """Return the endpoint of one address of the name.

        Example:
            >>> parse("grpc+dns://models").at("10.0.0.7").url, parse("http+dns://models/ai").at("::1").address
            ('grpc://10.0.0.7:8500', 'http://[::1]:8501/ai')
        """
        host = f"[{ip}]" if ":" in ip else ip
        address = re.sub(
            rf"(^|//){re.escape(self.name or '')}(?=:\d)", rf"\g<1>{host}", self.address, count=1
        )
        scheme = "grpcs" if self.secure else "grpc"
        url = address if self.protocol == "rest" else f"{scheme}://{address}"
        return dataclasses.replace(self, url=url, address=address)


def parse(
    url: str,
    *,
    tls: TLS | None = None,
    headers: Mapping[str, str] | None = None,
    compression: str | None = None,
) -> Endpoint:
    """Return the endpoint of a URL.

    Raises:
        InvalidArgumentError: The URL is of no known form, ``tls`` is given for an unencrypted one, a header
            is not text, or the compression is unknown.

    Example:
        >>> parse("grpc://localhost").address, parse("http://localhost:80").address
        ('localhost:8500', 'http://localhost:80')
    """
    if compression not in (None, "gzip"):
        raise InvalidArgumentError(f"compression must be 'gzip' or None; received {compression!r}.")
    protocol, address, secure, name = _split(url)
    if tls is not None and not secure:
        raise InvalidArgumentError(f"tls applies to grpcs:// and https:// only; received the URL {url!r}.")
    return Endpoint(
        url,
        protocol,
        address,
        secure,
        tls or TLS(),
        {_check_header(name, value): value for name, value in (headers or {}).items()},
        "gzip" if compression else None,
        name,
    )


def _check_header(name: str, value: str) -> str:
    """Return a header's name in lower case, as gRPC wants it."""
    if not isinstance(name, str) or not isinstance(value, str):
        raise InvalidArgumentError(f"headers must map text to text; received {name!r}: {value!r}.")
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or name.lower().endswith("-bin"):
        raise InvalidArgumentError(
            f"{name!r} is not a header name: letters, digits, '_', '-' and '.', not ending in -bin."
        )
    if not re.fullmatch(r"[ -~]*", value):
        raise InvalidArgumentError(f"Header {name!r} must be printable ASCII; received {value!r}.")
    return name.lower()


def _split(url: str) -> tuple[Literal["grpc", "rest"], str, bool, str | None]:
    if not isinstance(url, str):
        raise InvalidArgumentError(f"url must be {_FORMS}; received a {type(url).__name__}.")
    if url.startswith("unix:") and url != "unix:":
        return "grpc", url, False, None
    if url.startswith(_DNS_OF_GRPC):
        return _split(f"grpc{_DNS}://{url.removeprefix(_DNS_OF_GRPC)}")
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")  # as a look-up of the name will
    except ValueError:
        raise InvalidArgumentError(f"url {url!r} has a host that is neither a name nor an address.") from None
    try:
        port = parts.port
    except ValueError:
        raise InvalidArgumentError(f"url {url!r} has a port that is not a number from 0 to 65535.") from None
    scheme = parts.scheme.removesuffix(_DNS)
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidArgumentError(f"url must be {_FORMS}; received {url!r}.")
    if parts.username or parts.query or parts.fragment:
        raise InvalidArgumentError(
            f"url must hold no user, query or fragment (send credentials with headers=); received {url!r}."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    name = host if parts.scheme.endswith(_DNS) else None
    address = f"{host}:{_DEFAULT_PORTS[scheme] if port is None else port}"
    path = parts.path.rstrip("/")
    if scheme.startswith("grpc"):
        if path:
            raise InvalidArgumentError(f"A gRPC url has no path; received {url!r}.")
        return "grpc", address, scheme == "grpcs", name
    return "rest", f"{scheme}://{address}{path}", scheme == "https", name
