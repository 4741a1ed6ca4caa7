"""A small TensorFlow Serving over gRPC: grpcio and the official messages around NumPy."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from client.fakes.fake_model import METHOD, MODEL, VERSIONS, Failures, compute, not_found, regress, score
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)


def _fail(failures: Failures, request: Any, context: grpc.ServicerContext, missing: str | None) -> None:
    """Follow the script, or refuse a model that is not there."""
    headers = {**dict(context.invocation_metadata()), "peer": context.peer()}
    entry = failures.next(headers, request.ByteSize())
    if entry is not None:
        context.abort(grpc.StatusCode[entry[0]], entry[1])
    if missing:
        context.abort(grpc.StatusCode.NOT_FOUND, missing)


def _examples(message: Any) -> Iterator[dict[str, Any]]:
    """The features of each example, those of the context included, one value each."""
    holder = getattr(message, message.WhichOneof("kind"))
    context = getattr(holder, "context", None)
    for example in holder.examples:
        merged = {**(dict(context.features.feature) if context else {}), **dict(example.features.feature)}
        values = {name: getattr(f, f.WhichOneof("kind")).value[0] for name, f in merged.items()}
        yield {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        _fail(self._failures, request, context, not_found(request.model_spec.name))
        inputs = {key: tf.make_ndarray(proto) for key, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for key, array in compute(request.model_spec.signature_name, inputs).items():
            if not request.output_filter or key in request.output_filter:
                proto = tf.make_tensor_proto(array)
                if array.dtype == np.float32 and array.size > 1:  # the real server fills the typed fields
                    proto.float_val.extend(array.ravel())
                    proto.tensor_content = b""
                response.outputs[key].CopyFrom(proto)
        return response

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        _fail(self._failures, request, context, not_found(request.model_spec.name))
        response = classification_pb2.ClassificationResponse()
        for features in _examples(request.input):
            classes = response.result.classifications.add()
            for label, value in score(features):
                classes.classes.add(label=label, score=value)
        return response

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        _fail(self._failures, request, context, not_found(request.model_spec.name))
        response = regression_pb2.RegressionResponse()
        for features in _examples(request.input):
            response.result.regressions.add(value=regress(features))
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        _fail(self._failures, request, context, not_found(request.model_spec.name))
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, sides in self._failures.signatures().items():
            definition = definitions.signature_def[name]
            definition.method_name = METHOD
            for specs, infos in zip(sides, (definition.inputs, definition.outputs), strict=True):
                for key, (dtype, shape) in specs.items():
                    infos[key].dtype = dtype.as_datatype_enum
                    sizes = tf.TensorShape([None if size < 0 else size for size in shape])
                    infos[key].tensor_shape.CopyFrom(sizes.as_proto())
        definitions.signature_def["__saved_model_init_op"].SetInParent()
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = MODEL
        response.model_spec.version.value = 3
        response.metadata["signature_def"].Pack(definitions)
        return response


class _Model(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        name = request.model_spec.name
        missing = None if name == MODEL else f"Could not find any versions of model {name}"
        _fail(self._failures, request, context, missing)
        response = get_model_status_pb2.GetModelStatusResponse()
        asked = request.model_spec.version.value
        for version, state, code, message in reversed(VERSIONS):
            if asked in (0, version):
                status = {"error_code": code, "error_message": message}
                response.model_version_status.add(version=version, state=state, status=status)
        return response

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        _fail(self._failures, request, context, None)
        self._failures.reloaded.append(request.config)
        return model_management_pb2.ReloadConfigResponse()


@contextmanager
def grpc_server(
    failures: Failures,
    *,
    port: int = 0,
    credentials: grpc.ServerCredentials | None = None,
    socket: Path | None = None,
) -> Iterator[str]:
    """Serve over gRPC on a port (0: a free one) or a Unix socket; yield its URL."""
    server = grpc.server(
        ThreadPoolExecutor(8),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Prediction(failures), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Model(failures), server)
    if credentials is not None:
        url = f"grpcs://localhost:{server.add_secure_port('localhost:0', credentials)}"
    elif socket is not None:
        url = f"unix:{socket}"
        server.add_insecure_port(url)
    else:
        url = f"grpc://127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield url
    finally:
        failures.released.set()
        server.stop(None).wait()
