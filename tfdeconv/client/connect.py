"""From a URL to a client."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

from tfdeconv.client.clients import AsyncClient, Client
from tfdeconv.client.endpoint import TLS, Endpoint, parse
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.exchange.session import Session
from tfdeconv.extras import require


def connect(
    url: str,
    *,
    model: str | None = None,
    timeout: float = 60.0,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    headers: Mapping[str, str] | None = None,
    tls: TLS | None = None,
    compression: Literal["gzip"] | None = None,
) -> Client:
    """Return a client of the server at a URL; the first call connects.

    Args:
        url: ``grpc://host:8500``, ``grpcs://host:8500`` (TLS), ``unix:/path/to/socket`` (gRPC),
            ``http://host:8501`` or ``https://host``, the last two with a path if a proxy wants one. The
            ports shown (443 for https) are the defaults.
        model: Name of the model for calls that do not name one.
        timeout: Seconds for a call, retries included, unless the call says otherwise; ``math.inf`` for no
            limit. Default 60.
        retry: How to repeat calls while the server is unavailable; ``RetryPolicy(attempts=1)`` never
            does. Default: up to 4 attempts within a second.
        headers: Sent with every request, as gRPC metadata or HTTP headers, e.g. ``authorization``.
        tls: Certificates for ``grpcs`` and ``https``. Default: the system's authorities, and none of our own.
        compression: ``"gzip"`` packs requests and asks for packed answers: for slow networks. Default: none.

    Raises:
        InvalidArgumentError: An argument is not of these forms.
        MissingExtraError: httpx, or grpcio and protobuf, are not installed.

    Example:
        >>> with connect("http://localhost:8501", model="upscaler", timeout=5) as client:
        ...     client.predict([1.0], version=1, label="stable")
        Traceback (most recent call last):
        ...
        tfdeconv.errors.InvalidArgumentError: Give a version or a label, not both; received version=1, ...
    """
    endpoint = parse(url, headers=headers, tls=tls, compression=compression)
    protocol = _protocol(endpoint)
    session = Session(protocol.Dialect(), model=model, timeout=timeout, retry=retry)
    return Client(session, protocol.Transport(endpoint))


def connect_async(
    url: str,
    *,
    model: str | None = None,
    timeout: float = 60.0,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    headers: Mapping[str, str] | None = None,
    tls: TLS | None = None,
    compression: Literal["gzip"] | None = None,
) -> AsyncClient:
    """Return a client for use in the running event loop; takes the arguments of :func:`connect`.

    Example::

        async with td.client.connect_async("grpc://localhost:8500", model="upscaler") as client:
            outputs = await client.predict(batch)
    """
    endpoint = parse(url, headers=headers, tls=tls, compression=compression)
    protocol = _protocol(endpoint)
    session = Session(protocol.Dialect(), model=model, timeout=timeout, retry=retry)
    return AsyncClient(session, protocol.AsyncTransport(endpoint))


def _protocol(endpoint: Endpoint) -> Any:
    """Return the module that speaks the endpoint's protocol; only that one is imported."""
    needed = {"rest": ["httpx"], "grpc": ["grpc", "google.protobuf"]}[endpoint.protocol]
    for module in needed:
        require(module, extra="serving", feature=f"A client for {endpoint.url.partition(':')[0]} URLs")
    return importlib.import_module(f"tfdeconv.client.{endpoint.protocol}")
