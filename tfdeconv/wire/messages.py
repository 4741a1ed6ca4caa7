"""The protocol-buffer messages of TensorFlow Serving, without TensorFlow.

The generated modules of ``tensorflow-serving-api`` import ``tensorflow.core.framework``, and with it all of
TensorFlow: over two seconds and half a gigabyte of memory for a client that only moves bytes. What
makes messages compatible is their field numbers and types, so the ones a client needs are declared
here and built at run time in a descriptor pool of their own, where they cannot clash with the
generated ones in a process that imports both. Names of messages and packages do not travel, so they
are flat here; enumerations are declared as int32, their wire type; fields that no client of ours
uses are left out (readers skip them). A test compares every field with the generated modules.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, wrappers_pb2

from tfdeconv.wire import schema

_SCHEMA = """
message Dim { int64 size = 1; string name = 2; }
message TensorShapeProto { repeated Dim dim = 2; bool unknown_rank = 3; }
message TensorProto {
    int32 dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4;
    repeated float float_val = 5; repeated double double_val = 6; repeated int32 int_val = 7;
    repeated bytes string_val = 8; repeated float scomplex_val = 9; repeated int64 int64_val = 10;
    repeated bool bool_val = 11; repeated double dcomplex_val = 12; repeated int32 half_val = 13;
    repeated uint32 uint32_val = 16; repeated uint64 uint64_val = 17;
}
message TensorInfo { string name = 1; int32 dtype = 2; TensorShapeProto tensor_shape = 3; }
message SignatureDef {
    map<string, TensorInfo> inputs = 1; map<string, TensorInfo> outputs = 2; string method_name = 3;
    map<string, TensorProto> defaults = 4;
}
message BytesList { repeated bytes value = 1; }
message FloatList { repeated float value = 1; }
message Int64List { repeated int64 value = 1; }
message Feature { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; }
message Features { map<string, Feature> feature = 1; }
message Example { Features features = 1; }
message ModelSpec {
    string name = 1; google.protobuf.Int64Value version = 2; string signature_name = 3;
    string version_label = 4;
}
message PredictRequest {
    ModelSpec model_spec = 1; map<string, TensorProto> inputs = 2; repeated string output_filter = 3;
}
message PredictResponse { map<string, TensorProto> outputs = 1; ModelSpec model_spec = 2; }
message ExampleList { repeated Example examples = 1; }
message ExampleListWithContext { repeated Example examples = 1; Example context = 2; }
message Input { ExampleList example_list = 1; ExampleListWithContext example_list_with_context = 2; }
message ClassificationRequest { ModelSpec model_spec = 1; Input input = 2; }
message Class { string label = 1; float score = 2; }
message Classifications { repeated Class classes = 1; }
message ClassificationResult { repeated Classifications classifications = 1; }
message ClassificationResponse { ClassificationResult result = 1; ModelSpec model_spec = 2; }
message RegressionRequest { ModelSpec model_spec = 1; Input input = 2; }
message Regression { float value = 1; }
message RegressionResult { repeated Regression regressions = 1; }
message RegressionResponse { RegressionResult result = 1; ModelSpec model_spec = 2; }
message GetModelMetadataRequest { ModelSpec model_spec = 1; repeated string metadata_field = 2; }
message GetModelMetadataResponse { ModelSpec model_spec = 1; map<string, google.protobuf.Any> metadata = 2; }
message SignatureDefMap { map<string, SignatureDef> signature_def = 1; }
message GetModelStatusRequest { ModelSpec model_spec = 1; }
message StatusProto { int32 error_code = 1; string error_message = 2; }
message ModelVersionStatus { int64 version = 1; int32 state = 2; StatusProto status = 3; }
message GetModelStatusResponse { repeated ModelVersionStatus model_version_status = 1; }
message Latest { uint32 num_versions = 1; }
message All { }
message Specific { repeated int64 versions = 1; }
message ServableVersionPolicy { Latest latest = 100; All all = 101; Specific specific = 102; }
message LogCollectorConfig { string type = 1; string filename_prefix = 2; }
message SamplingConfig { double sampling_rate = 1; }
message LoggingConfig { LogCollectorConfig log_collector_config = 1; SamplingConfig sampling_config = 2; }
message ModelConfig {
    string name = 1; string base_path = 2; string model_platform = 4; LoggingConfig logging_config = 6;
    ServableVersionPolicy model_version_policy = 7; map<string, int64> version_labels = 8;
}
message ModelConfigList { repeated ModelConfig config = 1; }
message ModelServerConfig { ModelConfigList model_config_list = 1; }
message ReloadConfigRequest { ModelServerConfig config = 1; }
message ReloadConfigResponse { StatusProto status = 1; }
"""
messages: Any = schema.build(
    _SCHEMA, package="tfdeconv.wire", imports=(any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)
).messages
