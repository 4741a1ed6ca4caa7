"""The embedded server: a runtime, and the two protocols over it, under one context manager."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.serving.addresses import bound_socket, bracketed, reachable
from tfdeconv.serving.config import tls
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.grpc.api import GrpcApi
from tfdeconv.serving.grpc.server import GrpcServer, channel_arguments
from tfdeconv.serving.rest.app import rest_app
from tfdeconv.serving.rest.application import common_headers
from tfdeconv.serving.rest.http_server import HttpServer, limits_of
from tfdeconv.serving.runtime import Runtime

_DEFAULT_GRACE = 30.0
_CLOSING_SECONDS = 0.2


class Server:
    """Serves SavedModels over TensorFlow Serving's protocols while its ``with`` block runs.

    Entering blocks until every model is available; leaving finishes the running requests.

    Args:
        options: A set of options. Defaults to ``ServerOptions()``.
        **changes: Single options by name, e.g. ``model_base_path="models/upscaler"``.

    Attributes:
        grpc_port: The open gRPC port, or None.
        rest_port: The open REST port, or None.
        runtime: What answers the requests; None while the server is down.

    Raises:
        InvalidArgumentError: Options that contradict one another.
        ServingError: On entering: a port is in use, or a model cannot be loaded.

    Example:
        >>> import tempfile, tensorflow as tf
        >>> folder = tempfile.mkdtemp()
        >>> module = tf.Module()
        >>> module.double = tf.function(lambda x: {"y": 2 * x}, [tf.TensorSpec([None], name="x")])
        >>> tf.saved_model.save(module, f"{folder}/1", module.double)
        >>> with Server(model_base_path=folder, model_name="double") as server:
        ...     server.grpc_url.rsplit(":", 1)[0]
        'grpc://127.0.0.1'
    """

    def __init__(self, options: ServerOptions | None = None, /, **changes: Any) -> None:
        self.options = dataclasses.replace(options, **changes) if options else ServerOptions(**changes)
        ports = (self.options.grpc_port, self.options.rest_port)
        if ports == (None, None) and not self.options.grpc_socket_path:
            raise InvalidArgumentError("grpc_port and rest_port are both None; open at least one.")
        self.grpc_port: int | None = None
        self.rest_port: int | None = None
        self.runtime: Runtime | None = None
        self._grpc: GrpcServer | None = None
        self._http: HttpServer | None = None

    @property
    def grpc_url(self) -> str:
        """Address for ``tfdeconv.client.connect`` over gRPC."""
        scheme = "grpcs" if os.fspath(self.options.ssl_config_file) else "grpc"
        return f"{scheme}://{reachable(self.options.host)}:{self.grpc_port}"

    @property
    def rest_url(self) -> str:
        """Address for ``tfdeconv.client.connect`` over REST."""
        return f"http://{reachable(self.options.host)}:{self.rest_port}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop(grace=0)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, *, cancel: threading.Event | None = None) -> None:
        """Load the models, then open the ports. Prefer the ``with`` block, which cleans up as well.

        Args:
            cancel: Set it to give the start up. Defaults to never.

        Raises:
            ServingError: As on entering; ``CancelledError`` where ``cancel`` was set.
        """
        options = self.options
        runtime = self.runtime = Runtime(options)
        rest_threads = ThreadPoolExecutor(options.rest_threads, "tfdeconv-rest")
        # What can be wrong is looked at before the models load, not after.
        app = rest_app(runtime, executor=rest_threads)
        credentials = tls.credentials(options.ssl_config_file) if options.ssl_config_file else None
        arguments = channel_arguments(options.grpc_channel_arguments)
        for protocol, port in (("gRPC", options.grpc_port), ("REST", options.rest_port)):
            if port is not None:
                bound_socket(protocol, options.host, port).close()
        runtime.start(cancel=cancel)
        if options.grpc_port is not None or options.grpc_socket_path:
            self._grpc = GrpcServer(
                GrpcApi(runtime),
                max_threads=options.grpc_threads,
                channel_arguments=arguments,
                credentials=credentials,
                health_service=options.enable_grpc_healthcheck_service,
            )
            if options.grpc_port is not None:
                self.grpc_port = self._grpc.listen(f"{bracketed(options.host)}:{options.grpc_port}")
            if options.grpc_socket_path:
                self._grpc.listen(f"unix:{options.grpc_socket_path}")
        if options.rest_port is not None:
            self._http = HttpServer(app, rest_threads, limits_of(options), common_headers(options))
            self.rest_port = self._http.listen(options.host, options.rest_port)
        if self._grpc is not None:
            self._grpc.start()
        if self._http is not None:
            self._http.start()

    def stop(self, grace: float | None = _DEFAULT_GRACE) -> bool:
        """Stop accepting, finish what is in flight for up to ``grace`` seconds, and unload the models.

        Args:
            grace: Longest time in seconds; None for no limit. Defaults to 30.

        Returns:
            Whether all work has ended. What has not is answered already, and its threads end by themselves.
        """
        deadline = None if grace is None else time.monotonic() + grace
        ended = True
        if self.runtime is not None:
            self.runtime.stop_polling()
        # Both at once: each lets its own running requests finish.
        threads = [
            threading.Thread(target=listening.stop, args=(grace,))
            for listening in (self._grpc, self._http)
            if listening is not None
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.runtime is not None:
            remaining = None if deadline is None else max(_CLOSING_SECONDS, deadline - time.monotonic())
            ended = self.runtime.close(remaining)
        self._grpc = self._http = self.runtime = None
        return ended
