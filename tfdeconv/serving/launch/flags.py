"""The command line of ``tensorflow_model_server``: same names, defaults and parsing.

Flags are ``--name=value``; Booleans are also bare ``--name``. A value that does not parse ends the
program; an unknown flag is reported and skipped. Beyond that, a value may follow after a space, and a
dash in a name counts as an underscore.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tfdeconv.errors import InvalidArgumentError

Value = bool | int | float | str


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Attributes:
        name: Without dashes.
        default: Its value when absent; its type is the flag's type.
        help: One sentence for ``--help``.
        group: Heading in ``--help``.
    """

    name: str
    default: Value
    help: str
    group: str


RAY_GROUP = "Ray (--engine=ray)"


def _group(title: str, *rows: tuple[str, Value, str]) -> list[Flag]:
    return [Flag(name, default, text, title) for name, default, text in rows]


FLAGS: tuple[Flag, ...] = (
    *_group(
        "Model",
        ("model_base_path", "", "Folder of version folders (an absolute path), or its URL: s3://, gs://."),
        ("model_name", "default", "Name of that model in requests."),
        ("model_config_file", "", "Text file of a ModelServerConfig: several models, policies, labels."),
        (
            "model_config_file_poll_wait_seconds",
            0,
            "Seconds between two looks at that file; 0: read it once.",
        ),
        ("file_system_poll_wait_seconds", 1, "Seconds between two looks for new versions; 0: once."),
        (
            "allow_version_labels_for_unavailable_models",
            False,
            "Allow a new label on a version that is not loaded yet.",
        ),
        ("saved_model_tags", "serve", "Tags of the graph to load, separated by commas."),
        ("max_num_load_retries", 5, "How often a failed load is tried again."),
        ("load_retry_interval_micros", 60_000_000, "Pause between two tries, in microseconds."),
        ("num_load_threads", 0, "Models loaded at the same time; 0: decided by the server."),
        ("num_unload_threads", 0, "Models unloaded at the same time; 0: decided by the server."),
        ("enable_signature_method_name_check", False, "Require classify and regress signatures to say so."),
        ("enable_model_warmup", True, "Run the model's warm-up requests before it serves."),
        ("num_request_iterations_for_warmup", 0, "How often each warm-up request runs; 0: once."),
    ),
    *_group(
        "gRPC",
        ("port", 8500, "TCP port of gRPC; 0: a free one, which is printed (beside a socket: none)."),
        ("grpc_socket_path", "", "Unix socket to listen on as well."),
        ("grpc_max_threads", 0, "Calls answered at the same time; 0: four for each CPU."),
        ("grpc_channel_arguments", "", "Channel arguments as name=value, separated by commas."),
        ("ssl_config_file", "", "Text file of an SSLConfig: TLS for gRPC."),
        ("enable_grpc_healthcheck_service", False, "Offer grpc.health.v1."),
        (
            "enable_serialization_as_tensor_content",
            False,
            "Answer with tensor_content instead of typed fields.",
        ),
    ),
    *_group(
        "REST",
        ("rest_api_port", 0, "TCP port of REST; 0: none."),
        ("rest_api_num_threads", 0, "Requests answered at the same time; 0: four for each CPU."),
        ("rest_api_timeout_in_ms", 30_000, "Longest time for a request, in milliseconds."),
        ("rest_api_enable_cors_support", False, "Send Access-Control-* headers."),
        ("monitoring_config_file", "", "Text file of a MonitoringConfig: Prometheus on the REST port."),
    ),
    *_group(
        "Page",
        ("web", False, "Show a page on the REST port that sends pictures to the models."),
    ),
    *_group(
        "Batching",
        ("enable_batching", False, "Run requests of several clients together."),
        ("batching_parameters_file", "", "Text file of BatchingParameters."),
        (
            "enable_per_model_batching_parameters",
            False,
            "Let batching_params.pbtxt in a SavedModel folder override that file.",
        ),
    ),
    *_group(
        "TensorFlow",
        ("tensorflow_session_parallelism", 0, "Threads in and across operations; 0: decided by TensorFlow."),
        ("tensorflow_intra_op_parallelism", 0, "Threads within an operation; 0: decided by TensorFlow."),
        ("tensorflow_inter_op_parallelism", 0, "Operations at the same time; 0: decided by TensorFlow."),
        ("tensorflow_session_config_file", "", "Text file of a ConfigProto."),
        ("per_process_gpu_memory_fraction", 0.0, "Share of each GPU's memory; 0: decided by TensorFlow."),
        ("xla_cpu_compilation_enabled", False, "Compile clusters of operations with XLA on the CPU."),
        ("xla_gpu_compilation_enabled", False, "Compile clusters of operations with XLA on the GPU."),
        ("mixed_precision", "", "Run eligible operations in this type (bfloat16 or float16)."),
        (
            "platform_config_file",
            "",
            "Text file of a PlatformConfigMap, in place of all flags for tags, warm-up, batching, sessions "
            "and TensorFlow Lite.",
        ),
    ),
    *_group(
        "TensorFlow Lite",
        ("prefer_tflite_model", False, "Serve model.tflite where a version folder has it."),
        ("num_tflite_pools", 0, "Requests that a model computes at the same time; 0: one for each CPU."),
        (
            "num_tflite_interpreters_per_pool",
            1,
            "Above 1: run requests in batches of up to 500 rows divided by this.",
        ),
    ),
    *_group(
        "Limits and logs",
        ("host", "0.0.0.0", "Address to listen on."),
        ("access_log_file", "", "Write one JSON line for each request there; '-': standard output."),
        ("drain_seconds", 30.0, "How long SIGTERM and SIGHUP let running requests finish."),
        ("model_cache_dir", "", "Folder for copies of models from object stores; default: the system's."),
        ("max_model_cache_bytes", 0, "Most bytes of those copies; 0: as many as the disk has free."),
        ("max_rest_body_bytes", 1 << 30, "Most bytes of a REST request as sent."),
        (
            "max_rest_buffered_bytes",
            1 << 30,
            "Most bytes of REST requests that are not answered yet, together.",
        ),
        ("max_unpacked_gzip_bytes", 100_000_000, "Most bytes of a gzip request after unpacking."),
        ("max_json_values", 4_000_000, "Most values of a REST request besides regular arrays of numbers."),
        ("max_rest_header_bytes", 1 << 16, "Most bytes of the first line and the headers of a REST request."),
        ("rest_header_timeout_in_ms", 30_000, "Longest wait for these, in milliseconds; 0: no limit."),
        (
            "rest_body_timeout_in_ms",
            30_000,
            "Longest wait for each next 16 KiB of the body, or of the answer; 0: no limit.",
        ),
        ("max_filled_tensor_bytes", 1 << 28, "Most bytes of a tensor that repeated values fill."),
        ("max_image_pixels", 1 << 26, "Most pixels of an input's encoded images, by their headers."),
    ),
    *_group(
        "Engine",
        (
            "engine",
            "embedded",
            "embedded: this server; tensorflow-serving: the C++ server; auto: the latter if it is there; "
            "ray: a cluster.",
        ),
        ("dry_run", False, "Print the command that would run, and exit."),
        ("version", False, "Print the version and exit."),
    ),
    *_group(
        RAY_GROUP,
        ("address", "", "Address of a running Ray cluster, such as 10.0.0.1:6379; none: Ray starts here."),
        ("replicas", 2, "Processes that hold the models."),
        ("min_replicas", 1, "With --max_replicas: fewest of them."),
        ("max_replicas", 0, "Most of them; above 0, their number follows the load."),
        ("target_ongoing_requests", 2.0, "With --max_replicas: requests at a time meant for each."),
        ("upscale_delay_seconds", 30.0, "With --max_replicas: how long the load must ask for more."),
        ("downscale_delay_seconds", 600.0, "With --max_replicas: how long it must ask for fewer."),
        ("replica_cpus", 1.0, "CPUs that Ray sets aside for each."),
        ("replica_gpus", 0.0, "GPUs that Ray sets aside for each; without, a replica sees none."),
        ("edges", 0, "Processes that listen, at most one on each node; 0: one on each."),
    ),
    *_group(
        "Of the C++ server alone",
        ("flush_filesystem_caches", True, "A hint about memory; without effect here."),
        ("use_alts_credentials", False, "Google Cloud's credentials; refused here."),
        ("remove_unused_fields_from_bundle_metagraph", True, "A hint about memory; without effect here."),
        ("enable_profiler", True, "A service that profiles; there is none here."),
        ("thread_pool_factory_config_file", "", "Thread pools that are compiled into a C++ server."),
        ("skip_initialize_tpu", False, "For TPUs; without effect here."),
    ),
)
BY_NAME: Mapping[str, Flag] = {flag.name: flag for flag in FLAGS}
# Flags that tensorflow_model_server does not know.
OWN_FLAGS = frozenset(
    flag.name
    for flag in FLAGS
    if flag.group in ("Page", "Limits and logs", RAY_GROUP) or flag.name in ("engine", "dry_run")
)
_INT32, _INT64 = 1 << 31, 1 << 63
_WIDE = {
    "load_retry_interval_micros",
    "max_rest_body_bytes",
    "max_rest_buffered_bytes",
    "max_unpacked_gzip_bytes",
    "max_filled_tensor_bytes",
    "max_image_pixels",
    "max_model_cache_bytes",
    "tensorflow_session_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed command line.

    Attributes:
        values: Every flag's value, defaults included.
        given: The names that the command line sets.
        unknown: Arguments that are no flags, in order.
    """

    values: Mapping[str, Value]
    given: frozenset[str]
    unknown: tuple[str, ...]


def parse(arguments: Sequence[str]) -> Parsed:
    """Return the flags of a command line.

    Args:
        arguments: Without the program's name.

    Raises:
        InvalidArgumentError: A value does not parse as its flag's type.

    Example:
        >>> parse(["--port=9000", "--enable_batching", "--nonsense"]).unknown
        ('--nonsense',)
    """
    values: dict[str, Value] = {flag.name: flag.default for flag in FLAGS}
    given: set[str] = set()
    unknown: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, text = argument.removeprefix("--").partition("=")
        flag = BY_NAME.get(name.replace("-", "_")) if argument.startswith("--") else None
        if flag is None:
            unknown.append(argument)
            continue
        if not equals:
            if isinstance(flag.default, bool):
                text = "true"
            elif rest and not rest[0].startswith("--"):
                text = rest.pop(0)
            else:
                raise InvalidArgumentError(f"--{flag.name} needs a value: --{flag.name}=...")
        values[flag.name] = _convert(flag, text)
        given.add(flag.name)
    return Parsed(values, frozenset(given), tuple(unknown))


def _convert(flag: Flag, text: str) -> Value:
    if isinstance(flag.default, str):
        return text
    try:
        if isinstance(flag.default, bool):
            return {"true": True, "false": False}[text]
        if isinstance(flag.default, float):
            return float(text)
        value = int(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[type(flag.default)]
        raise InvalidArgumentError(f"--{flag.name} must be {wanted}; received {text!r}.") from None
    limit = _INT64 if flag.name in _WIDE else _INT32
    if not -limit <= value < limit:
        raise InvalidArgumentError(f"--{flag.name} must fit in {limit.bit_length()} bits; received {text}.")
    return value


def usage() -> str:
    """Return the list of flags with types, defaults and meaning."""
    lines = ["usage: tfdeconv serve", "Flags:"]
    kinds = {bool: "bool", int: "int", float: "float", str: "string"}
    for flag in FLAGS:
        default = str(flag.default).lower() if isinstance(flag.default, bool) else repr(flag.default)
        lines.append(f"\t--{flag.name}={default}\t{kinds[type(flag.default)]}\t{flag.help}")
    return "\n".join(lines)
