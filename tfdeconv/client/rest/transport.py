"""I/O over HTTP: the only modules behind it are NumPy and httpx."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tfdeconv.client.endpoint import Endpoint
from tfdeconv.client.exchange.flow import Call
from tfdeconv.client.failures import from_http, late, unreachable
from tfdeconv.client.rest.dialect import error_message
from tfdeconv.errors import InternalError, InvalidArgumentError

__all__ = ["AsyncTransport", "Transport"]

_CONNECT_SECONDS = 5.0


class Transport:
    """A pool of HTTP connections for blocking calls."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Set up the pool; connections are made by the first calls."""
        self._endpoint = endpoint
        self._http = httpx.Client(**_settings(endpoint))

    def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the body of a successful answer.

        httpx limits the wait for each read; the whole is limited here, between the chunks of the body.
        """
        start = time.monotonic()
        chunks = []
        with (
            _translated(self._endpoint.url, timeout),
            self._http.stream(**_request(call, self._endpoint), timeout=_limits(timeout)) as response,
        ):
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                if timeout is not None and time.monotonic() - start > timeout:
                    raise TimeoutError
        return _body(response.status_code, b"".join(chunks))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncTransport:
    """A pool of HTTP connections for awaited calls."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Set up the pool; connections are made by the first calls."""
        self._endpoint = endpoint
        self._http = httpx.AsyncClient(**_settings(endpoint))

    async def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the body of a successful answer."""
        with _translated(self._endpoint.url, timeout):
            async with asyncio.timeout(timeout):
                response = await self._http.request(**_request(call, self._endpoint), timeout=_limits(None))
        return _body(response.status_code, response.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _limits(timeout: float | None) -> httpx.Timeout:
    """Return httpx's limits: a connection is made soon or not at all, so that other servers can be asked."""
    connect = _CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS)
    return httpx.Timeout(timeout, connect=connect)


def _settings(endpoint: Endpoint) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts no one; reading the authorities takes a while
    if endpoint.secure:
        context = endpoint.tls.context()
    try:
        base_url = httpx.URL(endpoint.address)
    except httpx.InvalidURL as error:
        raise InvalidArgumentError(f"url {endpoint.url!r} cannot be used: {error}") from None
    return {
        "base_url": base_url,
        "verify": context,
        # Callers bound the requests in flight; a connection closed early would only be made again.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=None),
        "headers": {
            # Unpacking costs more than it saves on a fast network, so it has to be asked for.
            "accept-encoding": endpoint.compression or "identity",
            **_host(endpoint, base_url),
            **endpoint.headers,
        },
    }


def _host(endpoint: Endpoint, base_url: httpx.URL) -> dict[str, str]:
    """Return the header with the name by which a server at one of its addresses is called."""
    if endpoint.name is None:
        return {}
    return {"host": endpoint.name if base_url.port is None else f"{endpoint.name}:{base_url.port}"}


def _request(call: Call[Any], endpoint: Endpoint) -> dict[str, Any]:
    request: dict[str, Any] = {"method": "GET", "url": call.path}
    if endpoint.name is not None:
        request["extensions"] = {"sni_hostname": endpoint.name.strip("[]")}
    if call.body is None:
        return request
    request.update(method="POST", content=call.body)
    headers = {"content-type": "application/json"}
    if endpoint.compression is not None:
        headers["content-encoding"] = endpoint.compression
        request["content"] = gzip.compress(call.body, compresslevel=6)
    return {**request, "headers": headers}


@contextmanager
def _translated(url: str, timeout: float | None) -> Iterator[None]:
    """Turn what httpx raises into classes of tfdeconv.errors."""
    try:
        yield
    except httpx.ConnectTimeout:
        if timeout is not None and timeout <= _CONNECT_SECONDS:
            raise late(url, timeout) from None
        raise unreachable(url, f"no connection within {_CONNECT_SECONDS:g} s") from None
    except (httpx.TimeoutException, TimeoutError):
        raise late(url, timeout or 0) from None
    except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError) as error:
        raise unreachable(url, str(error) or type(error).__name__) from error
    except httpx.DecodingError as error:
        raise InternalError(f"The answer of {url} cannot be unpacked: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidArgumentError(f"The request to {url} cannot be sent: {error}") from error


def _body(status: int, payload: bytes) -> bytes:
    if status == 200:
        return payload
    raise from_http(status, error_message(payload) or f"The server answered with HTTP status {status}.")
