"""From a URL, or several, to a client."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tfdeconv.client.clients import AsyncClient, Client
from tfdeconv.client.endpoint import TLS, Endpoint, parse
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.exchange.session import Session
from tfdeconv.client.exchange.transports import Transports
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.extras import require


def connect(
    url: str | Sequence[str],
    *,
    model: str | None = None,
    timeout: float = 60.0,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    headers: Mapping[str, str] | None = None,
    tls: TLS | None = None,
    compression: Literal["gzip"] | None = None,
) -> Client:
    """Return a client of the server at a URL, or of several servers; the first call connects.

    Args:
        url: ``grpc://host:8500``, ``grpcs://host:8500`` (TLS), ``unix:/path/to/socket`` (gRPC),
            ``http://host:8501`` or ``https://host``, the last two with a path if a proxy wants one. The
            ports shown (443 for https) are the defaults. A list of them, of one protocol, names several
            servers of the same models, and ``grpc+dns://name:8500`` (``grpcs+dns``, ``http+dns``,
            ``https+dns``; ``dns:///name:8500`` is the same as the first) one at each address of the name,
            which is looked up again every 30 seconds: requests go to them in turn, and repeated ones
            elsewhere; one that cannot be reached, or that lets a request's time pass and answers nothing
            meanwhile, is left out for half a second, later up to 30.
        model: Name of the model for calls that do not name one.
        timeout: Seconds for a call, retries included, unless the call says otherwise; ``math.inf`` for no
            limit. Default 60.
        retry: How to repeat calls while no server is available; ``RetryPolicy(attempts=1)`` never
            does. Default: up to 4 attempts within a second.
        headers: Sent with every request, as gRPC metadata or HTTP headers, e.g. ``authorization``.
        tls: Certificates for ``grpcs`` and ``https``, for each of several servers. Default: the system's
            authorities, and none of our own.
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
    endpoints = _parse_all(url, headers=headers, tls=tls, compression=compression)
    protocol = _protocol(endpoints[0])
    session = Session(protocol.Dialect(), endpoints, model=model, timeout=timeout, retry=retry)
    return Client(session, Transports(protocol.Transport, _fixed(endpoints)))


def connect_async(
    url: str | Sequence[str],
    *,
    model: str | None = None,
    timeout: float = 60.0,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    headers: Mapping[str, str] | None = None,
    tls: TLS | None = None,
    compression: Literal["gzip"] | None = None,
) -> AsyncClient:
    """Return a client for use in the running event loop; takes the arguments of :func:`connect`.

    Example:
        >>> async def ask(batch):
        ...     async with connect_async("grpc://localhost:8500", model="upscaler") as client:
        ...         return await client.predict(batch)
    """
    endpoints = _parse_all(url, headers=headers, tls=tls, compression=compression)
    protocol = _protocol(endpoints[0])
    session = Session(protocol.Dialect(), endpoints, model=model, timeout=timeout, retry=retry)
    return AsyncClient(session, Transports(protocol.AsyncTransport, _fixed(endpoints)))


def _parse_all(url: str | Sequence[str], **options: Any) -> list[Endpoint]:
    """Return the endpoint of each URL.

    Raises:
        InvalidArgumentError: There is none, one is there twice, or they are of several protocols.
    """
    urls = [url] if isinstance(url, str) or not isinstance(url, Iterable) else list(url)
    if not urls:
        raise InvalidArgumentError("url must name at least one server; received an empty list.")
    endpoints = [parse(one, **options) for one in urls]
    for number, endpoint in enumerate(endpoints):
        if endpoint.address in (other.address for other in endpoints[:number]):
            raise InvalidArgumentError(f"url must name each server once; received {endpoint.url!r} twice.")
    if len({endpoint.protocol for endpoint in endpoints}) > 1:
        raise InvalidArgumentError(
            f"The servers of one client speak one protocol, gRPC or REST; received {', '.join(urls)}."
        )
    return endpoints


def _fixed(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints if endpoint.name is None]


def _protocol(endpoint: Endpoint) -> Any:
    """Return the module that speaks the endpoint's protocol; only that one is imported."""
    needed = {"rest": ["httpx"], "grpc": ["grpc", "google.protobuf"]}[endpoint.protocol]
    for module in needed:
        require(module, extra="serving", feature=f"A client for {endpoint.url.partition(':')[0]} URLs")
    return importlib.import_module(f"tfdeconv.client.{endpoint.protocol}")
