"""What a server can be told."""

from __future__ import annotations

import dataclasses
import os

from tfdeconv.errors import InvalidArgumentError


def _four_for_each_cpu() -> int:
    return 4 * (os.cpu_count() or 1)


LAST_PORT = (1 << 16) - 1
_NOT_NEGATIVE = (
    *("num_load_threads", "num_unload_threads", "grpc_max_threads", "rest_api_num_threads"),
    *("max_model_cache_bytes", "max_rest_body_bytes", "max_rest_buffered_bytes", "max_unpacked_gzip_bytes"),
    *("max_json_values", "max_rest_header_bytes", "max_filled_tensor_bytes", "max_image_pixels"),
    *("rest_header_timeout_in_ms", "rest_body_timeout_in_ms"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Options of a server, named after the flags of ``tensorflow_model_server`` where it has them.

    Attributes:
        host: Address to listen on. Defaults to the loopback address: nothing outside this machine connects.
        grpc_port: TCP port of gRPC; 0 takes any free port (read it from ``Server.grpc_port``), None
            opens none. Defaults to 0.
        rest_port: The same for REST. Defaults to 0.
        grpc_socket_path: Unix socket to answer gRPC on as well. Defaults to none.
        model_name: Name of the single model. Defaults to ``"default"``.
        model_base_path: The folder that holds the single model's version folders, or its URL in an object
            store: ``s3://bucket/models/upscaler`` (extra ``s3``), ``gs://...`` (extra ``gs``).
        model_config_file: Text file of a ModelServerConfig in place of the two above.
        model_config_file_poll_wait_seconds: Seconds between two looks at that file; 0 reads it once.
            Defaults to 0.
        model_cache_dir: Folder for copies of loaded versions that lie in object stores. Defaults to the
            system's folder for temporary files.
        max_model_cache_bytes: Most bytes of them together; 0: as many as the disk has free. Defaults to 0.
        start_timeout: Seconds to wait for the models; None waits for ever, also for a model folder
            that is still empty. Defaults to 120.
        file_system_poll_wait_seconds: Seconds between two looks for new versions; 0 looks once.
            Defaults to 1.
        max_num_load_retries: How often a failed load is tried again. Defaults to 5.
        load_retry_interval_micros: Pause between two tries in microseconds. Defaults to 60 seconds.
        num_load_threads: Loads at the same time; 0 for four for each CPU. Defaults to 0.
        num_unload_threads: Unloads at the same time; 0 for one. Defaults to 0.
        allow_version_labels_for_unavailable_models: Whether a new label may name a version that is not
            loaded yet. Defaults to False.
        saved_model_tags: Tags of the graph to load, separated by commas. Defaults to ``"serve"``.
        enable_signature_method_name_check: Whether a request wants a signature that declares its
            method (Predict: any of the three). Defaults to False.
        enable_model_warmup: Whether a SavedModel's warm-up requests run before it serves. Defaults to True.
        num_request_iterations_for_warmup: How often each of them runs; 0 for once. Defaults to 0.
        grpc_max_threads: Calls answered at the same time over gRPC; 0 for four for each CPU. Defaults to 0.
        grpc_channel_arguments: ``name=value`` pairs for gRPC, separated by commas. Defaults to none.
        ssl_config_file: Text file of an SSLConfig: TLS for gRPC. Defaults to none.
        enable_grpc_healthcheck_service: Whether to offer grpc.health.v1. Defaults to False.
        enable_serialization_as_tensor_content: Answer with ``tensor_content`` instead of typed fields.
            Defaults to False.
        rest_api_num_threads: Requests answered at the same time over REST; 0 for four for each CPU.
            Defaults to 0.
        rest_api_timeout_in_ms: Longest time for a REST request; 0 for no limit. Defaults to 30000.
        rest_api_enable_cors_support: Whether to send Access-Control-* headers. Defaults to False.
        web: Whether to show a page on the REST port that sends pictures to the models. Defaults to False.
        monitoring_config_file: Text file of a MonitoringConfig. Defaults to none.
        enable_batching: Whether requests of several clients run together. Defaults to False.
        batching_parameters_file: Text file of BatchingParameters. Defaults to none.
        enable_per_model_batching_parameters: Whether ``batching_params.pbtxt`` in a SavedModel folder
            overrides that file. Defaults to False.
        session_config: Text of a ``tensorflow.ConfigProto`` for the models' sessions. Defaults to empty.
        platform_config_file: Text file of a PlatformConfigMap. It replaces ``saved_model_tags``, the warm-up,
            batching and TensorFlow Lite options, and is completed by ``session_config``. Defaults to none.
        prefer_tflite_model: Whether ``model.tflite`` is served where it lies in a version folder.
            Defaults to False.
        num_tflite_pools: Interpreters of a TensorFlow Lite model: requests that it computes at the same
            time; 0 for one for each CPU. Defaults to 0.
        num_tflite_interpreters_per_pool: Above 1, requests to a TensorFlow Lite model run in batches of up
            to 500 rows divided by this number. Defaults to 1.
        access_log_file: File for one JSON line for each request; ``"-"``: standard output. Defaults to none.
        max_rest_body_bytes: Largest REST request as sent. Defaults to 1 GiB.
        max_rest_buffered_bytes: Most bytes of REST requests that have been received and not answered yet, of
            all together; those beyond it get UNAVAILABLE. Defaults to 1 GiB.
        max_unpacked_gzip_bytes: Largest gzip request after unpacking. Defaults to 100 MB.
        max_json_values: Most values of a REST request besides regular arrays of numbers, whose size only
            the limits above bound. Defaults to 4 million, which take up to 400 MB.
        max_rest_header_bytes: Largest head of a REST request. Defaults to 64 KiB.
        rest_header_timeout_in_ms: Longest time for the head of a REST request to arrive; 0 for no limit.
            Defaults to 30000.
        rest_body_timeout_in_ms: Longest time for the next 16 KiB of its body to arrive, and of its answer to
            be taken; 0 for no limit. Defaults to 30000.
        max_filled_tensor_bytes: Largest tensor that repeated values may fill. Defaults to 256 MiB.
        max_image_pixels: Most pixels that the encoded images of an input may hold together, by their headers.
            Defaults to 67 million.
    """

    host: str = "127.0.0.1"
    grpc_port: int | None = 0
    rest_port: int | None = 0
    grpc_socket_path: str = ""
    model_name: str = "default"
    model_base_path: str | os.PathLike[str] = ""
    model_config_file: str | os.PathLike[str] = ""
    model_config_file_poll_wait_seconds: float = 0
    model_cache_dir: str | os.PathLike[str] = ""
    max_model_cache_bytes: int = 0
    start_timeout: float | None = 120.0
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    num_load_threads: int = 0
    num_unload_threads: int = 0
    allow_version_labels_for_unavailable_models: bool = False
    saved_model_tags: str = "serve"
    enable_signature_method_name_check: bool = False
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0
    grpc_max_threads: int = 0
    grpc_channel_arguments: str = ""
    ssl_config_file: str | os.PathLike[str] = ""
    enable_grpc_healthcheck_service: bool = False
    enable_serialization_as_tensor_content: bool = False
    rest_api_num_threads: int = 0
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    web: bool = False
    monitoring_config_file: str | os.PathLike[str] = ""
    enable_batching: bool = False
    batching_parameters_file: str | os.PathLike[str] = ""
    enable_per_model_batching_parameters: bool = False
    session_config: str = ""
    platform_config_file: str | os.PathLike[str] = ""
    prefer_tflite_model: bool = False
    num_tflite_pools: int = 0
    num_tflite_interpreters_per_pool: int = 1
    access_log_file: str = ""
    max_rest_body_bytes: int = 1 << 30
    max_rest_buffered_bytes: int = 1 << 30
    max_unpacked_gzip_bytes: int = 100_000_000
    max_json_values: int = 4_000_000
    max_rest_header_bytes: int = 1 << 16
    rest_header_timeout_in_ms: int = 30_000
    rest_body_timeout_in_ms: int = 30_000
    max_filled_tensor_bytes: int = 1 << 28
    max_image_pixels: int = 1 << 26

    def __post_init__(self) -> None:
        """Refuse combinations that cannot serve.

        Raises:
            InvalidArgumentError: They contradict one another.
        """
        if not os.fspath(self.model_base_path) and not os.fspath(self.model_config_file):
            raise InvalidArgumentError(
                "Both server_options.model_base_path and server_options.model_config_file are empty! "
                "Name the folder that holds a model's version folders, or a file that lists models."
            )
        if not self.host:
            raise InvalidArgumentError(
                "host must not be empty; 0.0.0.0 or :: listens on all addresses of this machine."
            )
        if self.web and self.rest_port is None:
            raise InvalidArgumentError(
                "web shows its page on the REST port, and there is none. Set the port."
            )
        for name in ("grpc_port", "rest_port"):
            port = getattr(self, name)
            if port is not None and not 0 <= port <= LAST_PORT:
                raise InvalidArgumentError(f"{name} must be from 0 to {LAST_PORT}; received {port}.")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise InvalidArgumentError(f"{name} must not be negative; received {getattr(self, name)}.")
        replaced = bool(os.fspath(self.platform_config_file))
        if os.fspath(self.batching_parameters_file) and not self.enable_batching and not replaced:
            raise InvalidArgumentError(
                "server_options.batching_parameters_file is set without setting "
                "server_options.enable_batching to true."
            )

    @property
    def grpc_threads(self) -> int:
        """Calls answered at the same time over gRPC."""
        return self.grpc_max_threads or _four_for_each_cpu()

    @property
    def rest_threads(self) -> int:
        """Requests answered at the same time over REST."""
        return self.rest_api_num_threads or _four_for_each_cpu()
