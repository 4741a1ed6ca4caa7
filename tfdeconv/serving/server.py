"""The embedded server: repository, data plane and both edges under one context manager."""

from __future__ import annotations

import dataclasses
import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tfdeconv.errors import (
    CancelledError,
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidRequestError,
    ServingError,
    TfdeconvError,
)
from tfdeconv.extras import require
from tfdeconv.serving.config.options import ServerOptions

for _module in (
    "grpc",
    "grpc_health",
    "tensorflow_serving.apis",
    "starlette",
    "uvicorn",
    "orjson",
    "prometheus_client",
):
    require(_module, extra="serving", feature="The embedded server")

from tfdeconv.serving.config import operator_protos, tls  # noqa: E402 - after the check above
from tfdeconv.serving.grpc.edge import GrpcEdge, channel_arguments  # noqa: E402
from tfdeconv.serving.loading import ModelLoader  # noqa: E402
from tfdeconv.serving.plane.data_plane import DataPlane  # noqa: E402
from tfdeconv.serving.repository import model_config  # noqa: E402
from tfdeconv.serving.repository.model_config import ModelConfig  # noqa: E402
from tfdeconv.serving.repository.repository import ModelRepository  # noqa: E402
from tfdeconv.serving.rest.api import RestApi  # noqa: E402
from tfdeconv.serving.rest.edge import RestEdge, bound_socket  # noqa: E402
from tfdeconv.serving.telemetry import Telemetry  # noqa: E402

_LOG = logging.getLogger("tfdeconv.serving")
_METRICS_PATH = "/monitoring/prometheus/metrics"
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
        self._telemetry: Telemetry | None = None
        self._config_poller: threading.Thread | None = None
        self._stopping = threading.Event()

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
        self._telemetry = Telemetry(options.access_log_file)
        loader = ModelLoader(options, self._telemetry)
        monitoring = _monitoring(options)
        credentials = tls.credentials(options.ssl_config_file) if options.ssl_config_file else None
        arguments = channel_arguments(options.grpc_channel_arguments)
        for protocol, port in (("gRPC", options.grpc_port), ("REST", options.rest_port)):
            if port:  # fail before the models load, not after
                bound_socket(protocol, options.host, port).close()
        self._repository = ModelRepository(
            loader,
            poll_seconds=options.file_system_poll_wait_seconds,
            max_load_retries=options.max_num_load_retries,
            retry_seconds=options.load_retry_interval_micros / 1e6,
            load_threads=options.num_load_threads,
            unload_threads=options.num_unload_threads,
            allow_unavailable_labels=options.allow_version_labels_for_unavailable_models,
        )
        self._repository.configure(_models(options) or [], timeout=options.start_timeout, cancel=cancel)
        plane = DataPlane(
            self._repository, self._telemetry, check_method_names=options.enable_signature_method_name_check
        )
        if options.grpc_port is not None or options.grpc_socket_path:
            self._grpc = GrpcEdge(
                plane,
                max_threads=options.grpc_threads,
                as_content=options.enable_serialization_as_tensor_content,
                channel_arguments=arguments,
                credentials=credentials,
                health_service=options.enable_grpc_healthcheck_service,
                max_filled_bytes=options.max_filled_tensor_bytes,
            )
            if options.grpc_port is not None:
                self.grpc_port = self._grpc.listen(f"{_bracketed(options.host)}:{options.grpc_port}")
            if options.grpc_socket_path:
                self._grpc.listen(f"unix:{options.grpc_socket_path}")
        if options.rest_port is not None:
            self._rest = RestEdge(
                RestApi(plane),
                self._repository,
                threads=options.rest_threads,
                timeout=options.rest_api_timeout_in_ms / 1000 or None,
                max_body_bytes=options.max_rest_body_bytes,
                max_unpacked_bytes=options.max_unpacked_gzip_bytes,
                cors=options.rest_api_enable_cors_support,
                metrics=self._telemetry.metrics if monitoring.enable else None,
                metrics_path=monitoring.path or _METRICS_PATH,
            )
            self.rest_port = self._rest.listen(options.host, options.rest_port)
        if self._grpc is not None:
            self._grpc.start()
        if self._rest is not None:
            self._rest.start()
        if options.model_config_file and options.model_config_file_poll_wait_seconds > 0:
            self._config_poller = threading.Thread(
                target=self._poll_config, name="tfdeconv-config", daemon=True
            )
            self._config_poller.start()

    def _poll_config(self) -> None:
        """Apply the configuration file whenever its text changes."""
        assert self._repository is not None
        repository, options = self._repository, self.options
        pause = options.model_config_file_poll_wait_seconds
        last = None  # the file may have changed while the models of the start were loading
        while not self._stopping.wait(pause):
            try:
                text = _text(options)
                if text != last:
                    # A label on a version that is still loading is refused now and tried again next time.
                    # Nor may a model without versions keep the edit that mends it from being read.
                    models = _models(options)
                    if models is None:  # perhaps an editor is about to write it
                        _LOG.info("The ModelServerConfig file is empty: nothing changes.")
                    else:
                        repository.configure(models, timeout=pause, cancel=self._stopping)
                    last = text
            except CancelledError:
                return
            except DeadlineExceededError as error:
                _LOG.warning("The ModelServerConfig file has changed. %s", error)
            except TfdeconvError as error:
                _LOG.error("Failed to apply the ModelServerConfig file: %s", error)

    def stop(self, grace: float | None = _DEFAULT_GRACE) -> None:
        """Stop accepting, finish what is in flight for up to ``grace`` seconds, and unload the models."""
        self._stopping.set()
        # Both at once: each lets its own running requests finish.
        threads = [
            threading.Thread(target=edge.stop, args=(grace,))
            for edge in (self._grpc, self._rest)
            if edge is not None
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._config_poller is not None:
            self._config_poller.join()
        if self._repository is not None:
            self._repository.close()
        if self._telemetry is not None:
            self._telemetry.close()
        self._grpc = self._rest = self._repository = self._telemetry = self._config_poller = None


def _models(options: ServerOptions) -> list[ModelConfig] | None:
    """Return the configured models, or None where the file has no list of them."""
    if options.model_config_file:
        message = operator_protos.read(operator_protos.ModelServerConfig, options.model_config_file)
        return model_config.from_message(message)
    return [ModelConfig(options.model_name, str(Path(options.model_base_path).absolute()))]


def _text(options: ServerOptions) -> bytes:
    try:
        return Path(options.model_config_file).read_bytes()
    except OSError as error:
        raise ServingError(f"Cannot read '{options.model_config_file}': {error.strerror}") from None


def _monitoring(options: ServerOptions) -> Any:
    kind = operator_protos.MonitoringConfig
    file = options.monitoring_config_file
    config = (operator_protos.read(kind, file) if file else kind()).prometheus_config
    if config.path and (not config.path.startswith("/") or set(config.path) & set("{}?#")):
        raise InvalidRequestError(
            f"prometheus_config.path must be a plain path that begins with '/'; received {config.path!r} "
            f"in '{file}'."
        )
    return config


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reachable(host: str) -> str:
    """An address that a client on this machine can connect to."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return _bracketed(host)
