"""TensorFlow Serving's gRPC API as a function from method and message to an answer.

Messages are bytes: large tensors are read and written by the codec, not by the generated message classes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from google.protobuf import message as protobuf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    regression_pb2,
)

from tfdeconv.errors import (
    InvalidRequestError,
    TfdeconvError,
    UnimplementedError,
)
from tfdeconv.serving import answer_messages, cancellation
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.codec import example_input, predict_message
from tfdeconv.serving.grpc.answer import GrpcAnswer
from tfdeconv.serving.grpc.call_context import CallContext, NoDeadline
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository import model_config
from tfdeconv.serving.runtime import Runtime
from tfdeconv.serving.telemetry import RequestRecord
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_LONGEST_DETAILS = 1024
_INT32_MAX = (1 << 31) - 1
Handler = Callable[[bytes, RequestRecord, CallContext], bytes]


class GrpcApi:
    """Answers calls; knows no sockets, and not grpcio.

    Args:
        runtime: Answers what the calls ask.

    Example:
        >>> import tempfile
        >>> from tfdeconv.serving import Runtime, ServerOptions
        >>> runtime = Runtime(ServerOptions(model_base_path=tempfile.mkdtemp()))
        >>> GrpcApi(runtime).answer("GetModelStatus", b"")
        GrpcAnswer(code='INVALID_ARGUMENT', details='Missing ModelSpec', message=b'')
        >>> runtime.close()
        True
    """

    def __init__(self, runtime: Runtime) -> None:
        self._plane = runtime.plane
        self._telemetry = runtime.telemetry
        self._as_content = runtime.options.enable_serialization_as_tensor_content
        self._max_answer_bytes = _INT32_MAX
        self._max_filled_bytes = runtime.options.max_filled_tensor_bytes
        self._handlers: dict[str, Handler] = {
            "Predict": self._predict,
            "Classify": self._classify,
            "Regress": self._regress,
            "MultiInference": self._multi_inference,
            "GetModelMetadata": self._get_model_metadata,
            "GetModelStatus": self._get_model_status,
            "HandleReloadConfigRequest": self._reload,
        }

    def answer(self, method: str, message: bytes, context: CallContext | None = None) -> GrpcAnswer:
        """Return how a call ends; nothing that a request does raises an exception here.

        Args:
            method: Name of the method in its service, one of ``tfdeconv.wire.services.SERVICE_OF``.
            message: The serialized request.
            context: The call in progress. Defaults to one without a deadline.
        """
        context = context or NoDeadline()
        record = RequestRecord("GRPC", method)
        try:
            waiting = Cancellation(context.time_remaining())
            context.on_cancel(waiting.cancel)
            waiting.check()  # it may have waited for a thread longer than its client waits for it
            if method not in self._handlers:
                raise UnimplementedError("Method not found!")  # grpc's own words
            with cancellation.working_for(waiting):
                response = self._handlers[method](message, record, context)
        except TfdeconvError as error:
            code, details = status_codes.code_of(error), str(error)
        except Exception:
            _LOG.exception("A gRPC request failed")
            code, details = "INTERNAL", "The server failed to answer this request; its log has the cause."
        else:
            self._telemetry.finish(record, "OK")
            return GrpcAnswer("OK", "", response)
        self._telemetry.finish(record, code)
        if len(details) > _LONGEST_DETAILS:
            details = details[:_LONGEST_DETAILS] + "...TRUNCATED"
        return GrpcAnswer(code, details, b"")

    def _predict(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        call = predict_message.parse_request(data, max_filled_bytes=self._max_filled_bytes)
        spec = record.spec = _required(call.spec)
        record.spec, outputs = self._plane.predict(
            spec, call.inputs, call.output_filter, max_answer_bytes=self._max_answer_bytes
        )
        cancellation.check()
        return predict_message.build_response(record.spec, outputs, as_content=self._as_content)

    def _classify(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(classification_pb2.ClassificationRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, result = self._plane.classify(spec, _examples(request))
        return bytes(
            classification_pb2.ClassificationResponse(
                model_spec=predict_message.spec_to_message(record.spec),
                result=answer_messages.classification(result),
            ).SerializeToString()
        )

    def _regress(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(regression_pb2.RegressionRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, result = self._plane.regress(spec, _examples(request))
        return bytes(
            regression_pb2.RegressionResponse(
                model_spec=predict_message.spec_to_message(record.spec),
                result=answer_messages.regression(result),
            ).SerializeToString()
        )

    def _multi_inference(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(inference_pb2.MultiInferenceRequest, data)
        tasks = [
            (predict_message.spec_from_message(task.model_spec), task.method_name) for task in request.tasks
        ]
        if tasks:
            record.spec = tasks[0][0]
        specs, results = self._plane.multi_inference(tasks, _examples(request))
        record.spec = specs[0]
        return bytes(answer_messages.multi_inference(specs, results).SerializeToString())

    def _get_model_metadata(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, signatures = self._plane.metadata(spec, request.metadata_field)
        return bytes(answer_messages.metadata(record.spec, signatures).SerializeToString())

    def _get_model_status(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(get_model_status_pb2.GetModelStatusRequest, data)
        record.spec = _required(_spec(request))
        return bytes(answer_messages.status(self._plane.status(record.spec)).SerializeToString())

    def _reload(self, data: bytes, record: RequestRecord, context: CallContext) -> bytes:
        request = _parse(model_management_pb2.ReloadConfigRequest, data)
        if request.config.WhichOneof("config") != "model_config_list":
            raise InvalidRequestError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        configs = model_config.from_message(request.config)
        assert configs is not None
        # A model without versions is waited for; not longer than the client does, or than the server runs.
        gone = threading.Event()
        context.on_cancel(gone.set)
        self._plane.repository.configure(configs, timeout=context.time_remaining(), cancel=gone)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        return bytes(response.SerializeToString())


def _spec(request: Any) -> ModelSpec | None:
    return predict_message.spec_from_message(request.model_spec) if request.HasField("model_spec") else None


def _examples(request: Any) -> list[bytes]:
    return example_input.serialized_examples(request.input.SerializeToString())


def _required(spec: ModelSpec | None) -> ModelSpec:
    if spec is None:
        raise InvalidRequestError("Missing ModelSpec")
    return spec


def _parse(kind: type[Any], data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except protobuf.DecodeError:
        raise InvalidRequestError(f"The message is not a {kind.DESCRIPTOR.name}") from None
