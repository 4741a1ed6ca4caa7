"""Message classes of a PlatformConfigMap file and of what it holds.

``tensorflow-serving-api`` has the map alone. The rest is declared field by field after TensorFlow Serving's
``session_bundle_config.proto`` and ``saved_model_bundle_source_adapter.proto``.
"""

from __future__ import annotations

from google.protobuf import wrappers_pb2
from tensorflow.core.protobuf import config_pb2, named_tensor_pb2
from tensorflow_serving.config import platform_config_pb2

from tfdeconv.serving.config.operator_protos import BATCHING_PARAMETERS
from tfdeconv.wire import schema

_SCHEMA = """
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
    BATCHING_PARAMETERS + _SCHEMA,
    package="tensorflow.serving",
    imports=[module.DESCRIPTOR for module in (wrappers_pb2, config_pb2, named_tensor_pb2)],
)
POOL = _BUILT.pool
SessionBundleConfig = _BUILT.messages.SessionBundleConfig
SavedModelBundleSourceAdapterConfig = _BUILT.messages.SavedModelBundleSourceAdapterConfig
PlatformConfigMap = platform_config_pb2.PlatformConfigMap
