"""Message classes of the operator's text files that the API package lacks, and how the files are read.

``tensorflow-serving-api`` has ModelServerConfig but neither MonitoringConfig, SSLConfig nor
BatchingParameters. Their descriptors, declared here field by field after TensorFlow Serving's
``monitoring_config.proto``, ``ssl_config.proto`` and ``session_bundle_config.proto``, make the same
classes at run time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

from tfdeconv.errors import InvalidRequestError

_PACKAGE = "tensorflow.serving"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"bool": _FIELD.TYPE_BOOL, "string": _FIELD.TYPE_STRING, "int64": _FIELD.TYPE_INT64}
# message -> (field, type, repeated); types with a dot are messages.
_MESSAGES: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "PrometheusConfig": (("enable", "bool", False), ("path", "string", False)),
    "MonitoringConfig": (("prometheus_config", f".{_PACKAGE}.PrometheusConfig", False),),
    "SSLConfig": (
        ("server_key", "string", False),
        ("server_cert", "string", False),
        ("custom_ca", "string", False),
        ("client_verify", "bool", False),
    ),
    "BatchingParameters": (
        ("max_batch_size", ".google.protobuf.Int64Value", False),
        ("batch_timeout_micros", ".google.protobuf.Int64Value", False),
        ("max_enqueued_batches", ".google.protobuf.Int64Value", False),
        ("num_batch_threads", ".google.protobuf.Int64Value", False),
        ("thread_pool_name", ".google.protobuf.StringValue", False),
        ("allowed_batch_sizes", "int64", True),
        ("pad_variable_length_inputs", "bool", False),
        ("enable_large_batch_splitting", ".google.protobuf.BoolValue", False),
        ("max_execution_batch_size", ".google.protobuf.Int64Value", False),
    ),
}


def _build() -> dict[str, type[Any]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="tfdeconv/serving/operator.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, 1):
            message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
                type=_SCALARS.get(kind, _FIELD.TYPE_MESSAGE),
                type_name=None if kind in _SCALARS else kind,
            )
    # A pool of its own: another package may register the real files in the default one.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _build()
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]
BatchingParameters = _CLASSES["BatchingParameters"]
ModelServerConfig = model_server_config_pb2.ModelServerConfig


def read(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    """Return the message in a text file.

    Args:
        kind: The message's class.
        path: A file in protocol buffer text format.

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
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidRequestError(f"Cannot read '{os.fspath(path)}': {reason}") from None
    try:
        return text_format.Parse(text, kind())
    except text_format.ParseError as error:
        raise InvalidRequestError(
            f"Error parsing text-format {kind.DESCRIPTOR.full_name}: {error}. "
            f"Invalid protobuf file: '{os.fspath(path)}'"
        ) from None
