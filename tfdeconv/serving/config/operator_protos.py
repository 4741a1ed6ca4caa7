"""Message classes of the operator's text files that the API package lacks, and how the files are read.

``tensorflow-serving-api`` has ModelServerConfig and PlatformConfigMap but neither MonitoringConfig,
SSLConfig, BatchingParameters nor what a PlatformConfigMap holds. Their descriptors, declared here field by
field after TensorFlow Serving's ``monitoring_config.proto``, ``ssl_config.proto``,
``session_bundle_config.proto`` and ``saved_model_bundle_source_adapter.proto``, make the same classes at run
time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow.core.protobuf import config_pb2, named_tensor_pb2
from tensorflow_serving.config import model_server_config_pb2, platform_config_pb2

from tfdeconv.errors import InvalidRequestError

_PACKAGE = "tensorflow.serving"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
}
_INT32, _INT64 = ".google.protobuf.Int32Value", ".google.protobuf.Int64Value"
# message -> (number, field, type, repeated); types with a dot are messages.
_MESSAGES: dict[str, tuple[tuple[int, str, str, bool], ...]] = {
    "PrometheusConfig": ((1, "enable", "bool", False), (2, "path", "string", False)),
    "MonitoringConfig": ((1, "prometheus_config", f".{_PACKAGE}.PrometheusConfig", False),),
    "SSLConfig": (
        (1, "server_key", "string", False),
        (2, "server_cert", "string", False),
        (3, "custom_ca", "string", False),
        (4, "client_verify", "bool", False),
    ),
    "BatchingParameters": (
        (1, "max_batch_size", _INT64, False),
        (2, "batch_timeout_micros", _INT64, False),
        (3, "max_enqueued_batches", _INT64, False),
        (4, "num_batch_threads", _INT64, False),
        (5, "thread_pool_name", ".google.protobuf.StringValue", False),
        (6, "allowed_batch_sizes", "int64", True),
        (7, "pad_variable_length_inputs", "bool", False),
        (8, "enable_large_batch_splitting", ".google.protobuf.BoolValue", False),
        (9, "max_execution_batch_size", _INT64, False),
    ),
    "ModelWarmupOptions": (
        (1, "num_request_iterations", _INT32, False),
        (2, "num_model_warmup_threads", _INT32, False),
        (3, "model_name", "string", False),
        (4, "model_version", "int64", False),
        (5, "enable_all_batch_sizes_warmup", "bool", False),
    ),
    "SessionBundleConfig": (
        (1, "session_target", "string", False),
        (2, "session_config", ".tensorflow.ConfigProto", False),
        (3, "batching_parameters", f".{_PACKAGE}.BatchingParameters", False),
        (4, "session_run_load_threadpool_index", _INT32, False),
        (5, "experimental_transient_ram_bytes_during_load", "uint64", False),
        (6, "saved_model_tags", "string", True),
        (778, "experimental_fixed_input_tensors", ".tensorflow.NamedTensorProto", True),
        (779, "enable_model_warmup", "bool", False),
        (780, "model_warmup_options", f".{_PACKAGE}.ModelWarmupOptions", False),
        (781, "enable_session_metadata", "bool", False),
        (782, "remove_unused_fields_from_bundle_metagraph", "bool", False),
        (783, "prefer_tflite_model", "bool", False),
        (784, "resource_estimation_uses_validation_result", "bool", False),
        (785, "num_tflite_interpreters", "int32", False),
        (786, "num_tflite_interpreters_per_pool", "int32", False),
        (787, "num_tflite_pools", "int32", False),
        (788, "wrap_session_with_no_threading_params", "bool", False),
        (789, "enable_per_model_batching_params", "bool", False),
        (790, "enable_saved_model_config", "bool", False),
    ),
    "SavedModelBundleSourceAdapterConfig": (
        (1000, "legacy_config", f".{_PACKAGE}.SessionBundleConfig", False),
    ),
}


# A pool of its own: another package may register the real files in the default one.
_POOL = descriptor_pool.DescriptorPool()


def _add(file: Any) -> None:
    """Copy a file's descriptor into the pool, after those that it needs."""
    for needed in file.dependencies:
        _add(needed)
    _POOL.AddSerializedFile(file.serialized_pb)


def _build() -> dict[str, type[Any]]:
    needed = [module.DESCRIPTOR for module in (wrappers_pb2, config_pb2, named_tensor_pb2)]
    file = descriptor_pb2.FileDescriptorProto(
        name="tfdeconv/serving/operator.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[other.name for other in needed],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
                type=_SCALARS.get(kind, _FIELD.TYPE_MESSAGE),
                type_name=None if kind in _SCALARS else kind,
            )
    for other in needed:
        _add(other)
    _POOL.Add(file)
    return {
        name: message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _build()
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]
BatchingParameters = _CLASSES["BatchingParameters"]
SessionBundleConfig = _CLASSES["SessionBundleConfig"]
SavedModelBundleSourceAdapterConfig = _CLASSES["SavedModelBundleSourceAdapterConfig"]
ModelServerConfig = model_server_config_pb2.ModelServerConfig
PlatformConfigMap = platform_config_pb2.PlatformConfigMap


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
        return text_format.Parse(text, kind(), descriptor_pool=_POOL)
    except text_format.ParseError as error:
        raise InvalidRequestError(
            f"Error parsing text-format {kind.DESCRIPTOR.full_name}: {error}. "
            f"Invalid protobuf file: '{os.fspath(path)}'"
        ) from None
