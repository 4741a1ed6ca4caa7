"""Message classes of the operator's text files that the API package lacks, and how the files are read.

``tensorflow-serving-api`` has ModelServerConfig but neither MonitoringConfig, SSLConfig nor
BatchingParameters. They are declared here field by field after TensorFlow Serving's
``monitoring_config.proto``, ``ssl_config.proto`` and ``session_bundle_config.proto``. Without TensorFlow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.wire import schema

BATCHING_PARAMETERS = """
message BatchingParameters {
    google.protobuf.Int64Value max_batch_size = 1;
    google.protobuf.Int64Value batch_timeout_micros = 2;
    google.protobuf.Int64Value max_enqueued_batches = 3;
    google.protobuf.Int64Value num_batch_threads = 4;
    google.protobuf.StringValue thread_pool_name = 5;
    repeated int64 allowed_batch_sizes = 6;
    bool pad_variable_length_inputs = 7;
    google.protobuf.BoolValue enable_large_batch_splitting = 8;
    google.protobuf.Int64Value max_execution_batch_size = 9;
}
"""
_SCHEMA = """
message PrometheusConfig {
    bool enable = 1;
    string path = 2;
}
message MonitoringConfig {
    PrometheusConfig prometheus_config = 1;
}
message SSLConfig {
    string server_key = 1;
    string server_cert = 2;
    string custom_ca = 3;
    bool client_verify = 4;
}
"""
_BUILT = schema.build(
    _SCHEMA + BATCHING_PARAMETERS, package="tensorflow.serving", imports=[wrappers_pb2.DESCRIPTOR]
)
MonitoringConfig = _BUILT.messages.MonitoringConfig
SSLConfig = _BUILT.messages.SSLConfig
BatchingParameters = _BUILT.messages.BatchingParameters
ModelServerConfig = model_server_config_pb2.ModelServerConfig


def read(kind: type[Any], path: str | os.PathLike[str], *, option: str = "", pool: Any = None) -> Any:
    """Return the message in a text file.

    Args:
        kind: The message's class.
        path: A file in protocol buffer text format.
        option: The server's option that names the file, for the error. Defaults to none.
        pool: Where the messages that an ``Any`` holds are known. Defaults to that of this module.

    Raises:
        InvalidRequestError: The file cannot be read, or is not such a message; the message of the
            error says where.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".config") as file:
        ...     _ = file.write("prometheus_config { enable: true }")
        ...     file.flush()
        ...     read(MonitoringConfig, file.name).prometheus_config.enable
        True
    """
    try:
        # Editors of Windows write a byte order mark, which the C++ parser passes over.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        named = f"{option} " if option else ""
        raise InvalidRequestError(f"Cannot read {named}'{os.fspath(path)}': {reason}") from None
    try:
        return text_format.Parse(text, kind(), descriptor_pool=pool or _BUILT.pool)
    except text_format.ParseError as error:
        raise InvalidRequestError(
            f"Error parsing text-format {kind.DESCRIPTOR.full_name}: {error}. "
            f"Invalid protobuf file: '{os.fspath(path)}'"
        ) from None
