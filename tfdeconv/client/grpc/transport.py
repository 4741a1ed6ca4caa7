"""I/O over gRPC, with grpcio and protobuf but without TensorFlow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import grpc

from tfdeconv import __version__
from tfdeconv.client.endpoint import TLS, Endpoint
from tfdeconv.client.exchange.flow import Call
from tfdeconv.client.failures import late, unreachable
from tfdeconv.errors import ServingError
from tfdeconv.wire import status_codes

__all__ = ["AsyncTransport", "Transport"]

_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.primary_user_agent", f"tfdeconv/{__version__}"),
    # By default a channel whose server went away tries again after a second, later two minutes; the
    # caller's retries should find a server that is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]

# How grpcio begins when it is the connection that failed, and not the server that answered UNAVAILABLE.
_BROKEN_CONNECTION = re.compile(
    "failed to connect|connections to all|errors resolving|DNS resolution|socket closed|connection reset"
    "|recvmsg|sendmsg|goaway|stream removed|broken pipe",
    re.IGNORECASE,
)


class Transport:
    """One channel for blocking calls; it keeps its connection open between them."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Set up the channel; the first call connects."""
        self._endpoint = endpoint
        _check_files(endpoint.tls)
        self._channel = _channel(grpc, endpoint)
        self._metadata = tuple(endpoint.headers.items())

    def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the message of a successful answer, serialized."""
        method = self._channel.unary_unary(call.path)
        try:
            return method(call.body, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _translate(error, self._endpoint.url, timeout) from None

    def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        self._channel.close()


class AsyncTransport:
    """One channel for awaited calls; it keeps its connection open between them."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Set nothing up yet: a channel belongs to the event loop that runs when it is made."""
        self._endpoint = endpoint
        _check_files(endpoint.tls)
        self._channel: Any = None
        self._metadata = tuple(endpoint.headers.items())

    async def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the message of a successful answer, serialized; the first call makes the channel."""
        self._channel = self._channel or _channel(grpc.aio, self._endpoint)
        method = self._channel.unary_unary(call.path)
        try:
            return await method(call.body, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _translate(error, self._endpoint.url, timeout) from None

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        if self._channel is not None:
            await self._channel.close()


def _check_files(tls: TLS) -> None:
    """Refuse files that gRPC cannot use: it only says that it cannot connect, call after call."""
    if tls != TLS():
        tls.context()


def _channel(api: Any, endpoint: Endpoint) -> Any:
    options = list(_OPTIONS)
    if endpoint.name is not None:  # by which one of its addresses is called, and its certificate made
        port = endpoint.address.rpartition(":")[2]
        options.append(("grpc.default_authority", f"{endpoint.name}:{port}"))
        options.append(("grpc.ssl_target_name_override", endpoint.name))
    compression = grpc.Compression.Gzip if endpoint.compression else grpc.Compression.NoCompression
    if not endpoint.secure:
        return api.insecure_channel(endpoint.address, options=options, compression=compression)
    tls = endpoint.tls
    ca, key, certificate = (
        None if path is None else Path(path).read_bytes() for path in (tls.ca, tls.key, tls.certificate)
    )
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return api.secure_channel(endpoint.address, credentials, options=options, compression=compression)


def _translate(error: Any, url: str, timeout: float | None) -> ServingError:
    """Return the error of tfdeconv.errors for one of gRPC; some come from this side of the wire."""
    code, details = error.code().name, error.details() or ""
    if code == "DEADLINE_EXCEEDED" and details == "Deadline Exceeded":
        return late(url, timeout or 0)
    if code == "UNAVAILABLE" and _BROKEN_CONNECTION.match(details):
        return unreachable(url, details.rpartition("last error: ")[2])
    if code == "CANCELLED" and details == "CANCELLED":
        # What gRPC's core answers, with no word from a handler, to a call that reaches a server which has
        # just begun to stop. Nobody on this side has cancelled: that says "Channel closed!" or raises.
        return unreachable(url, "The server is stopping")
    return status_codes.error_of(code, details or f"The server answered {code} without saying why.")
