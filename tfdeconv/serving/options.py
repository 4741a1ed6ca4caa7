"""What a server can be told."""

from __future__ import annotations

import dataclasses
import os


def _four_for_each_cpu() -> int:
    return 4 * (os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Options of a server, named after the flags of ``tensorflow_model_server`` where it has them.

    Attributes:
        host: Address to listen on. Defaults to the loopback address: nothing outside this machine connects.
        grpc_port: TCP port of gRPC; 0 takes any free port (read it from ``Server.grpc_port``), None
            opens none. Defaults to 0.
        rest_port: The same for REST. Defaults to 0.
        model_name: Name of the single model. Defaults to ``"default"``.
        model_base_path: The folder that holds the single model's version folders.
        start_timeout: Seconds to wait for the models; None waits for ever, also for a model folder
            that is still empty. Defaults to 120.
        grpc_max_threads: Requests answered at the same time over gRPC. Defaults to four for each CPU.
        rest_api_num_threads: The same over REST. Defaults to four for each CPU.
        rest_api_timeout_in_ms: Longest time for a REST request; 0 for no limit. Defaults to 30000.
        file_system_poll_wait_seconds: Seconds between two looks for new versions; 0 looks once.
            Defaults to 1.
        max_num_load_retries: How often a failed load is tried again. Defaults to 5.
        load_retry_interval_micros: Pause between two tries in microseconds. Defaults to 60 seconds.
        saved_model_tags: Tags of the graph to load, separated by commas. Defaults to ``"serve"``.
        enable_serialization_as_tensor_content: Answer with ``tensor_content`` instead of typed fields.
            Defaults to False.
    """

    host: str = "127.0.0.1"
    grpc_port: int | None = 0
    rest_port: int | None = 0
    model_name: str = "default"
    model_base_path: str | os.PathLike[str] = ""
    start_timeout: float | None = 120.0
    grpc_max_threads: int = dataclasses.field(default_factory=_four_for_each_cpu)
    rest_api_num_threads: int = dataclasses.field(default_factory=_four_for_each_cpu)
    rest_api_timeout_in_ms: int = 30_000
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    saved_model_tags: str = "serve"
    enable_serialization_as_tensor_content: bool = False
