"""The options that a command line asks for, or why the server cannot start with it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2

from tfdeconv.errors import InvalidArgumentError, InvalidRequestError, UnimplementedError
from tfdeconv.serving.config.options import LAST_PORT, ServerOptions
from tfdeconv.serving.launch.flags import BY_NAME, Parsed

_LOG = logging.getLogger("tfdeconv.serving")
_REFUSED = {"use_alts_credentials": "ALTS needs Google Cloud; use --ssl_config_file"}
_WITHOUT_EFFECT = (
    "thread_pool_factory_config_file",
    "enable_profiler",
    "flush_filesystem_caches",
    "remove_unused_fields_from_bundle_metagraph",
    "skip_initialize_tpu",
)
_PARALLELISM = tuple(f"tensorflow_{kind}_parallelism" for kind in ("session", "intra_op", "inter_op"))
# What platform_config_file says instead, as in the C++ server.
_REPLACED = (
    *_PARALLELISM,
    "tensorflow_session_config_file",
    "per_process_gpu_memory_fraction",
    "mixed_precision",
    "saved_model_tags",
    "enable_model_warmup",
    "num_request_iterations_for_warmup",
    "enable_batching",
    "batching_parameters_file",
    "enable_per_model_batching_parameters",
    "prefer_tflite_model",
    "num_tflite_pools",
    "num_tflite_interpreters_per_pool",
)


def from_flags(parsed: Parsed) -> ServerOptions:
    """Return the server's options.

    Args:
        parsed: The command line.

    Raises:
        InvalidRequestError: Flags that contradict one another, in the C++ server's words.
        UnimplementedError: A flag that the embedded server cannot honour.
    """
    values = parsed.values
    for name, reason in _REFUSED.items():
        if values[name]:
            raise UnimplementedError(f"--{name} is not supported by the embedded server: {reason}.")
    for name in _WITHOUT_EFFECT:
        if name in parsed.given:
            _LOG.warning("--%s has no effect on the embedded server", name)
    if values["platform_config_file"]:
        for name in sorted(parsed.given.intersection(_REPLACED)):
            _LOG.warning("--%s has no effect beside --platform_config_file", name)
    for name in ("port", "rest_api_port"):
        if not 0 <= int(values[name]) <= LAST_PORT:
            raise InvalidRequestError(f"--{name} must be from 0 to {LAST_PORT}; received {values[name]}.")
    base_path = str(values["model_base_path"])
    absolute = Path(base_path).is_absolute() or "://" in base_path
    if base_path and not values["model_config_file"] and not absolute:
        raise InvalidRequestError(
            f"Expected model {values['model_name']} to have an absolute path or URI; "
            f"got base_path()={base_path}"
        )
    names = {field.name for field in dataclasses.fields(ServerOptions)}
    chosen: dict[str, Any] = {name: value for name, value in values.items() if name in names}
    try:
        return ServerOptions(
            **chosen,
            grpc_port=_grpc_port(values),
            rest_port=_rest_port(parsed),
            start_timeout=None,
            session_config=text_format.MessageToString(_session_config(parsed)),
        )
    except InvalidArgumentError as error:
        raise InvalidRequestError(str(error)) from None


def _grpc_port(values: Mapping[str, Any]) -> int | None:
    """Port 0 is a free one where the C++ server refuses to start; beside a socket it is none, as there."""
    port = int(values["port"])
    return None if port == 0 and values["grpc_socket_path"] else port


def _rest_port(parsed: Parsed) -> int | None:
    port = int(parsed.values["rest_api_port"])
    return None if port in (0, parsed.values["port"]) else port


def _session_config(parsed: Parsed) -> config_pb2.ConfigProto:
    values = parsed.values
    config = config_pb2.ConfigProto() if values["platform_config_file"] else _from_session_flags(values)
    if values["xla_cpu_compilation_enabled"] or values["xla_gpu_compilation_enabled"]:
        config.graph_options.optimizer_options.global_jit_level = config_pb2.OptimizerOptions.ON_1
    return config


def _from_session_flags(values: Mapping[str, Any]) -> config_pb2.ConfigProto:
    config = config_pb2.ConfigProto()
    if values["tensorflow_session_config_file"]:
        path = values["tensorflow_session_config_file"]
        try:
            text_format.Parse(Path(path).read_text(encoding="utf-8-sig"), config)
        except (OSError, UnicodeDecodeError, text_format.ParseError):
            raise InvalidRequestError(f"Invalid protobuf file: '{path}'") from None
    session, intra, inter = (values[name] for name in _PARALLELISM)
    if session > 0 and intra > 0 and inter > 0:
        raise InvalidRequestError(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, "
            "server_options.tensorflow_inter_op_parallelism) separately. You cannot configure all."
        )
    apart = intra > 0 or inter > 0
    config.intra_op_parallelism_threads = intra if apart else session
    config.inter_op_parallelism_threads = inter if apart else session
    if values["per_process_gpu_memory_fraction"]:
        config.gpu_options.per_process_gpu_memory_fraction = values["per_process_gpu_memory_fraction"]
    precision = values["mixed_precision"]
    rewrites = config.graph_options.rewrite_options
    if precision == "bfloat16":
        rewrites.auto_mixed_precision_onednn_bfloat16 = rewriter_config_pb2.RewriterConfig.ON
    elif precision == "float16":
        rewrites.auto_mixed_precision = rewriter_config_pb2.RewriterConfig.ON
    elif precision:
        raise InvalidRequestError(f"--mixed_precision must be bfloat16 or float16; received {precision!r}.")
    return config


assert all(name in BY_NAME for name in (*_REFUSED, *_WITHOUT_EFFECT, *_REPLACED))
