"""An HTTP server for an ASGI application: uvicorn on a thread of its own."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Executor

import uvicorn
from starlette.types import ASGIApp

from tfdeconv.serving.addresses import bound_socket
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.rest.http_limits import BoundedProtocol, HttpLimits

# Longer than clients and balancers keep an idle connection: they close it, never the server under a request.
_KEEP_ALIVE_SECONDS = 75


def limits_of(options: ServerOptions) -> HttpLimits:
    """Return what a server's options say of the cost of a connection."""
    return HttpLimits(
        head_bytes=options.max_rest_header_bytes,
        head_seconds=options.rest_header_timeout_in_ms / 1000 or None,
        body_seconds=options.rest_body_timeout_in_ms / 1000 or None,
    )


class HttpServer:
    """Listens for HTTP requests on its own thread.

    Args:
        app: Answers the requests.
        executor: Where the application runs what blocks; shut down when the server has stopped.
        limits: What a connection may cost. Defaults to ``HttpLimits()``.
        headers: Headers of refusals that never reach the application. Defaults to none.
    """

    def __init__(
        self,
        app: ASGIApp,
        executor: Executor,
        limits: HttpLimits | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._executor = executor
        config = uvicorn.Config(
            app,
            http=functools.partial(  # type: ignore[arg-type]
                BoundedProtocol, limits=limits or HttpLimits(), headers=headers or {}
            ),
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
        """Refuse new requests, let running ones finish for ``grace`` seconds, and close.

        What still runs by then is answered with UNAVAILABLE and left to end by itself.
        """
        self._server.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]  # waits for any float
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._executor.shutdown(wait=grace is None, cancel_futures=True)
