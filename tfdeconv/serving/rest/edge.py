"""HTTP around the REST API: Starlette on uvicorn, limits, gzip, CORS, metrics and health."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tfdeconv.errors import ServingError
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.rest.api import RestApi, error_body
from tfdeconv.serving.rest.http_protocol import Http1Protocol
from tfdeconv.serving.telemetry.metrics import Metrics
from tfdeconv.wire.version_state import VersionState

_ORIGIN = re.compile(r"https?://")
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
# Longer than clients and balancers keep an idle connection: they close it, never the server under a request.
_KEEP_ALIVE_SECONDS = 75
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class RestEdge:
    """Listens for HTTP requests on its own thread.

    Args:
        api: Answers the requests under ``/v1/``.
        repository: Its state is what ``/readyz`` and ``/modelz`` show.
        threads: Requests answered at the same time.
        timeout: Longest time for one request in seconds, or None.
        max_body_bytes: Largest request as sent.
        max_unpacked_bytes: Largest gzip request after unpacking.
        cors: Whether to send Access-Control-* headers. Defaults to False.
        metrics: Shown to Prometheus at ``metrics_path``. Defaults to none.
        metrics_path: Where. Defaults to TensorFlow Serving's path.
    """

    def __init__(
        self,
        api: RestApi,
        repository: ModelRepository,
        *,
        threads: int,
        timeout: float | None,
        max_body_bytes: int,
        max_unpacked_bytes: int,
        cors: bool = False,
        metrics: Metrics | None = None,
        metrics_path: str = "/monitoring/prometheus/metrics",
    ) -> None:
        self._api = api
        self._repository = repository
        self._timeout = timeout
        self._max_body_bytes = max_body_bytes
        self._max_unpacked_bytes = max_unpacked_bytes
        self._headers = _CORS_HEADERS if cors else None
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(threads, "tfdeconv-rest")
        routes = [
            Route("/healthz", _Endpoint(self._alive)),
            Route("/readyz", _Endpoint(self._ready)),
            Route("/modelz", _Endpoint(self._models)),
            Route("/{path:path}", _Endpoint(self._respond)),
        ]
        if metrics is not None:
            routes.insert(0, Route(metrics_path, _Endpoint(self._show_metrics)))
        config = uvicorn.Config(
            Starlette(routes=routes),
            http=Http1Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def listen(self, host: str, port: int) -> int:
        """Open a TCP port (0 for any); return it.

        Raises:
            ServingError: The port is in use, or the address is not this machine's.
        """
        listener = bound_socket("REST", host, port)
        listener.listen(2048)
        self._socket = listener
        return int(listener.getsockname()[1])

    def start(self) -> None:
        """Answer requests from now on."""
        assert self._socket is not None
        # The socket listens already: a connection waits in its queue until the thread is up.
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="tfdeconv-http", daemon=True
        )
        self._thread.start()

    def stop(self, grace: float | None) -> None:
        """Refuse new requests, let running ones finish for ``grace`` seconds, and close."""
        self._server.config.timeout_graceful_shutdown = None if grace is None else max(1, round(grace))
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._pool.shutdown(wait=bool(grace), cancel_futures=True)

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if request.scope["query_string"]:
            path += "?" + request.scope["query_string"].decode("latin-1")
        if not path.lower().startswith("/v1/"):
            return Response(status_code=404)
        if request.method == "OPTIONS":
            allowed = _ORIGIN.search(request.headers.get("origin", ""))
            return Response(status_code=200 if allowed else 400, headers=self._headers)
        body = await self._body(request)
        if body is None:
            return self._json(
                429,
                error_body(f"The request is larger than {self._max_body_bytes} bytes, this server's limit"),
            )
        packed = "gzip" in request.headers.get("content-encoding", "").lower()
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, self._answer, request.method, path, body, packed
        )
        try:
            async with asyncio.timeout(self._timeout):
                status, content = await work
        except TimeoutError:
            status, content = 504, error_body("Timed out waiting for notification")
        return self._json(status, content)

    def _json(self, status: int, content: bytes) -> Response:
        return Response(content, status, self._headers, media_type="application/json")

    async def _body(self, request: Request) -> bytes | None:
        """Return the body, or None as soon as it is too large."""
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_body_bytes:
            return None
        chunks, size = [], 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body_bytes:
                return None
        return b"".join(chunks)

    def _answer(self, method: str, path: str, body: bytes, packed: bool) -> tuple[int, bytes]:
        return self._api.answer(method, path, unpack(body, self._max_unpacked_bytes) if packed else body)

    async def _alive(self, request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def _ready(self, request: Request) -> Response:
        missing = [
            model["name"]
            for model in self._list_models()
            if not any(version["state"] == VersionState.AVAILABLE.name for version in model["versions"])
        ]
        return self._json(503 if missing else 200, orjson.dumps({"ready": not missing, "missing": missing}))

    async def _models(self, request: Request) -> Response:
        return self._json(200, orjson.dumps({"models": self._list_models()}, option=orjson.OPT_INDENT_2))

    def _list_models(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "labels": dict(self._repository.labels(name)),
                "versions": [
                    {
                        "version": status.version,
                        "state": status.state.name,
                        "error": "" if status.error is None else str(status.error),
                    }
                    for status in self._repository.statuses(name)
                ],
            }
            for name in self._repository.names()
        ]

    async def _show_metrics(self, request: Request) -> Response:
        assert self._metrics is not None
        return Response(self._metrics.text(), media_type="text/plain")


class _Endpoint:
    """An ASGI application for every method of a route (a function would answer GET only)."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope, receive, send))
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the server stops, and has waited long enough for this request
            response = Response(error_body("The server is stopping"), 503, media_type="application/json")
        with contextlib.suppress(asyncio.CancelledError):
            await response(scope, receive, send)


def unpack(body: bytes, limit: int) -> bytes:
    """Return the content of a gzip body; empty if it does not unpack or is larger than ``limit``.

    Example:
        >>> import gzip
        >>> unpack(gzip.compress(b"{}"), 100), unpack(b"no gzip", 100), unpack(gzip.compress(b"x" * 101), 100)
        (b'{}', b'', b'')
    """
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return b""
    return content if unpacker.eof and len(content) <= limit else b""


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
