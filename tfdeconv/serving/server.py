"""The embedded server: repository, data plane and both edges under one context manager."""

from __future__ import annotations

import dataclasses
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tfdeconv._extras import require
from tfdeconv.errors import InvalidArgumentError, ServingError
from tfdeconv.serving.options import ServerOptions

for _module in ("grpc", "tensorflow_serving.apis", "starlette", "uvicorn", "orjson"):
    require(_module, extra="serving", feature="The embedded server")

from tfdeconv.serving.data_plane import DataPlane  # noqa: E402 - after the check above
from tfdeconv.serving.grpc_edge import GrpcEdge  # noqa: E402
from tfdeconv.serving.repository.model_config import ModelConfig  # noqa: E402
from tfdeconv.serving.repository.repository import ModelRepository  # noqa: E402
from tfdeconv.serving.rest_edge import RestEdge  # noqa: E402
from tfdeconv.serving.session_model import SessionModel  # noqa: E402

_DEFAULT_GRACE = 30.0


class Server:
    """Serves SavedModels over TensorFlow Serving's protocols while its ``with`` block runs.

    Entering blocks until every model is available; leaving finishes the running requests.

    Args:
        options: A set of options. Defaults to ``ServerOptions()``.
        **changes: Single options by name, e.g. ``model_base_path="models/upscaler"``.

    Attributes:
        grpc_port: The open gRPC port, or None.
        rest_port: The open REST port, or None.

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
        self._repository: ModelRepository | None = None
        self._grpc: GrpcEdge | None = None
        self._rest: RestEdge | None = None

    @property
    def grpc_url(self) -> str:
        """Address for ``tfdeconv.client.connect`` over gRPC."""
        return f"grpc://{_reachable(self.options.host)}:{self.grpc_port}"

    @property
    def rest_url(self) -> str:
        """Address for ``tfdeconv.client.connect`` over REST."""
        return f"http://{_reachable(self.options.host)}:{self.rest_port}"

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
        for protocol, port in (("gRPC", options.grpc_port), ("REST", options.rest_port)):
            if port:
                _check_free(protocol, options.host, port)
        self._repository = ModelRepository(
            self._load,
            poll_seconds=options.file_system_poll_wait_seconds,
            max_load_retries=options.max_num_load_retries,
            retry_seconds=options.load_retry_interval_micros / 1e6,
            load_threads=options.num_load_threads,
            unload_threads=options.num_unload_threads,
            allow_unavailable_labels=options.allow_version_labels_for_unavailable_models,
        )
        base_path = str(Path(options.model_base_path).absolute())
        self._repository.configure(
            [ModelConfig(options.model_name, base_path)], timeout=options.start_timeout, cancel=cancel
        )
        plane = DataPlane(self._repository)
        if options.grpc_port is not None:
            self._grpc = GrpcEdge(
                plane,
                max_threads=options.grpc_threads,
                as_content=options.enable_serialization_as_tensor_content,
            )
            self.grpc_port = self._grpc.listen(f"{options.host}:{options.grpc_port}")
        if options.rest_port is not None:
            self._rest = RestEdge(
                plane,
                threads=options.rest_threads,
                timeout=options.rest_api_timeout_in_ms / 1000 or None,
            )
            self.rest_port = self._rest.listen(options.host, options.rest_port)
        if self._grpc is not None:
            self._grpc.start()
        if self._rest is not None:
            self._rest.start()

    def _load(self, name: str, version: int, path: Path) -> SessionModel:
        del name, version
        return SessionModel(path, tags=self.options.saved_model_tags.split(","))

    def stop(self, grace: float | None = _DEFAULT_GRACE) -> None:
        """Stop accepting, finish what is in flight for up to ``grace`` seconds, and unload the models."""
        if self._grpc is not None:
            self._grpc.stop(grace)
        if self._rest is not None:
            self._rest.stop(grace)
        if self._repository is not None:
            self._repository.close()
        self._grpc = self._rest = self._repository = None


def _check_free(protocol: str, host: str, port: int) -> None:
    """Fail before the models load, not after. The edges check again when they listen."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServingError(
                f"Cannot listen for {protocol} on {host}:{port}: {error.strerror}. "
                "Choose another port, or 0 for any free one."
            ) from None


def _reachable(host: str) -> str:
    """An address that a client on this machine can connect to."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return f"[{host}]" if ":" in host else host
