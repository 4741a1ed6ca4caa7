"""Message classes of the operator's text files that the API package lacks, and how the files are read.

``tensorflow-serving-api`` has ModelServerConfig and PlatformConfigMap but neither MonitoringConfig,
SSLConfig, BatchingParameters nor what a PlatformConfigMap holds. They are declared here field by field after
TensorFlow Serving's ``monitoring_config.proto``, ``ssl_config.proto``, ``session_bundle_config.proto`` and
``saved_model_bundle_source_adapter.proto``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format, wrappers_pb2
from tensorflow.core.protobuf import config_pb2, named_tensor_pb2
from tensorflow_serving.config import model_server_config_pb2, platform_config_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.wire import schema

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
message ModelWarmupOptions {
    google.protobuf.Int32Value num_request_iterations = 1;
    google.protobuf.Int32Value num_model_warmup_threads = 2;
    string model_name = 3;
    int64 model_version = 4;
    bool enable_all_batch_sizes_warmup = 5;
}
message SessionBundleConfig {
    string session_target = 1;
    tensorflow.ConfigProto session_config = 2;
    BatchingParameters batching_parameters = 3;
    google.protobuf.Int32Value session_run_load_threadpool_index = 4;
    uint64 experimental_transient_ram_bytes_during_load = 5;
    repeated string saved_model_tags = 6;
    repeated tensorflow.NamedTensorProto experimental_fixed_input_tensors = 778;
    bool enable_model_warmup = 779;
    ModelWarmupOptions model_warmup_options = 780;
    bool enable_session_metadata = 781;
    bool remove_unused_fields_from_bundle_metagraph = 782;
    bool prefer_tflite_model = 783;
    bool resource_estimation_uses_validation_result = 784;
    int32 num_tflite_interpreters = 785;
    int32 num_tflite_interpreters_per_pool = 786;
    int32 num_tflite_pools = 787;
    bool wrap_session_with_no_threading_params = 788;
    bool enable_per_model_batching_params = 789;
    bool enable_saved_model_config = 790;
}
message SavedModelBundleSourceAdapterConfig {
    SessionBundleConfig legacy_config = 1000;
}
"""
_BUILT = schema.build(
    _SCHEMA,
    package="tensorflow.serving",
    imports=[module.DESCRIPTOR for module in (wrappers_pb2, config_pb2, named_tensor_pb2)],
)
MonitoringConfig = _BUILT.messages.MonitoringConfig
SSLConfig = _BUILT.messages.SSLConfig
BatchingParameters = _BUILT.messages.BatchingParameters
SessionBundleConfig = _BUILT.messages.SessionBundleConfig
SavedModelBundleSourceAdapterConfig = _BUILT.messages.SavedModelBundleSourceAdapterConfig
ModelServerConfig = model_server_config_pb2.ModelServerConfig
PlatformConfigMap = platform_config_pb2.PlatformConfigMap


def read(kind: type[Any], path: str | os.PathLike[str], *, option: str = "") -> Any:
    """Return the message in a text file.

    Args:
        kind: The message's class.
        path: A file in protocol buffer text format.
        option: The server's option that names the file, for the error. Defaults to none.

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
        named = f"{option} " if option else ""
        raise InvalidRequestError(f"Cannot read {named}'{os.fspath(path)}': {reason}") from None
    try:
        return text_format.Parse(text, kind(), descriptor_pool=_BUILT.pool)
    except text_format.ParseError as error:
        raise InvalidRequestError(
            f"Error parsing text-format {kind.DESCRIPTOR.full_name}: {error}. "
            f"Invalid protobuf file: '{os.fspath(path)}'"
        ) from None
