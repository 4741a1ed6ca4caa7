"""gRPC: PredictionService and ModelService of TensorFlow Serving over the data plane.

Handlers take and return bytes: large tensors are read and written by the codec, not by the generated
message classes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import message as protobuf
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    regression_pb2,
)

from tfdeconv.errors import DeadlineExceededError, InvalidRequestError, ServingError, TfdeconvError
from tfdeconv.serving import messages
from tfdeconv.serving.codec import example_input, predict_message, tensor_proto
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.plane.data_plane import DataPlane
from tfdeconv.serving.repository import model_config
from tfdeconv.serving.telemetry import RequestRecord
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_INT32_MAX = (1 << 31) - 1
_LONGEST_DETAILS = 1024
_NO_DEADLINE = 1e8
_PREDICTION = "tensorflow.serving.PredictionService"
_MODEL = "tensorflow.serving.ModelService"
# The short names are those that the C++ server reports to grpc.health.v1.
_HEALTH_NAMES = ("", "ModelService", "PredictionService", _MODEL, _PREDICTION)
Handler = Callable[[bytes, RequestRecord, grpc.ServicerContext], bytes]


class GrpcEdge:
    """Listens for gRPC calls.

    Args:
        plane: Answers the requests.
        max_threads: Calls answered at the same time.
        as_content: Whether answers carry ``tensor_content`` instead of typed fields. Defaults to False.
        channel_arguments: Name and value pairs for gRPC. Defaults to none.
        credentials: TLS. Defaults to none.
        health_service: Whether to offer grpc.health.v1. Defaults to False.
        max_filled_bytes: Largest tensor that repeated values may fill.
    """

    def __init__(
        self,
        plane: DataPlane,
        *,
        max_threads: int,
        as_content: bool = False,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        credentials: grpc.ServerCredentials | None = None,
        health_service: bool = False,
        max_filled_bytes: int = tensor_proto.MAX_FILLED_BYTES,
    ) -> None:
        self._plane = plane
        self._as_content = as_content
        self._credentials = credentials
        self._max_filled_bytes = max_filled_bytes
        self._pool = ThreadPoolExecutor(max_threads, "tfdeconv-grpc")
        prediction: dict[str, Handler] = {
            "Predict": self._predict,
            "Classify": self._classify,
            "Regress": self._regress,
            "MultiInference": self._multi_inference,
            "GetModelMetadata": self._get_model_metadata,
        }
        model: dict[str, Handler] = {
            "GetModelStatus": self._get_model_status,
            "HandleReloadConfigRequest": self._reload,
        }
        defaults: dict[str, int | str] = {
            "grpc.max_send_message_length": _INT32_MAX,
            "grpc.max_receive_message_length": _INT32_MAX,
            "grpc.so_reuseport": 0,  # two servers on one port would share its calls silently
        }
        self._server = grpc.server(
            self._pool,
            handlers=[self._service(_PREDICTION, prediction), self._service(_MODEL, model)],
            options=list({**defaults, **dict(channel_arguments)}.items()),
        )
        self._health = health.HealthServicer() if health_service else None
        if self._health is not None:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def listen(self, address: str) -> int:
        """Open a TCP address (``host:port``, port 0 for any) or ``unix:PATH``; return the port.

        Raises:
            ServingError: The address is taken, or not this machine's, or the certificate does not fit.
        """
        try:
            if self._credentials is not None:
                return int(self._server.add_secure_port(address, self._credentials))
            return int(self._server.add_insecure_port(address))
        except RuntimeError:
            certificate = ", or the key does not fit the certificate" if self._credentials else ""
            raise ServingError(
                f"Cannot listen for gRPC on {address}: the address is in use, or is not this "
                f"machine's{certificate}. Choose another port, or 0 for any free one."
            ) from None

    def start(self) -> None:
        """Answer calls from now on."""
        self._server.start()
        self._report_health(health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float | None) -> None:
        """Refuse new calls, let running ones finish for ``grace`` seconds, and close."""
        self._report_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._server.stop(grace).wait()
        self._pool.shutdown(wait=bool(grace), cancel_futures=True)

    def _report_health(self, state: int) -> None:
        if self._health is not None:
            for name in _HEALTH_NAMES:
                self._health.set(name, state)

    def _predict(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        call = predict_message.parse_request(data, max_filled_bytes=self._max_filled_bytes)
        spec = record.spec = _required(call.spec)
        record.spec, outputs = self._plane.predict(spec, call.inputs, call.output_filter)
        return predict_message.build_response(record.spec, outputs, as_content=self._as_content)

    def _classify(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        request = _parse(classification_pb2.ClassificationRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, result = self._plane.classify(spec, _examples(request))
        return bytes(
            classification_pb2.ClassificationResponse(
                model_spec=predict_message.spec_to_message(record.spec),
                result=messages.classification(result),
            ).SerializeToString()
        )

    def _regress(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        request = _parse(regression_pb2.RegressionRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, result = self._plane.regress(spec, _examples(request))
        return bytes(
            regression_pb2.RegressionResponse(
                model_spec=predict_message.spec_to_message(record.spec), result=messages.regression(result)
            ).SerializeToString()
        )

    def _multi_inference(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        request = _parse(inference_pb2.MultiInferenceRequest, data)
        tasks = [
            (predict_message.spec_from_message(task.model_spec), task.method_name) for task in request.tasks
        ]
        if tasks:
            record.spec = tasks[0][0]
        specs, results = self._plane.multi_inference(tasks, _examples(request))
        record.spec = specs[0]
        return bytes(messages.multi_inference(specs, results).SerializeToString())

    def _get_model_metadata(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        request = _parse(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = record.spec = _required(_spec(request))
        record.spec, signatures = self._plane.metadata(spec, request.metadata_field)
        return bytes(messages.metadata(record.spec, signatures).SerializeToString())

    def _get_model_status(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
        request = _parse(get_model_status_pb2.GetModelStatusRequest, data)
        record.spec = _required(_spec(request))
        return bytes(messages.status(self._plane.status(record.spec)).SerializeToString())

    def _reload(self, data: bytes, record: RequestRecord, context: grpc.ServicerContext) -> bytes:
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
        context.add_callback(gone.set)
        self._plane.repository.configure(configs, timeout=_remaining(context), cancel=gone)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        return bytes(response.SerializeToString())

    def _service(self, name: str, methods: dict[str, Handler]) -> grpc.GenericRpcHandler:
        handlers = {
            method: grpc.unary_unary_rpc_method_handler(self._guarded(method, handler))
            for method, handler in methods.items()
        }
        return grpc.method_handlers_generic_handler(name, handlers)

    def _guarded(self, method: str, handler: Handler) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        """Turn errors into status codes; nothing a request does may end as an unhandled exception."""
        telemetry = self._plane.telemetry

        def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
            record = RequestRecord("GRPC", method)
            try:
                remaining = _remaining(context)
                if remaining is not None and remaining <= 0:
                    raise DeadlineExceededError("The deadline passed before the request was looked at")
                answered = handler(data, record, context)
            except TfdeconvError as error:
                code, details = status_codes.code_of(error), str(error)
            except Exception:
                _LOG.exception("A gRPC request failed")
                code, details = "INTERNAL", "The server failed to answer this request; its log has the cause."
            else:
                telemetry.finish(record, "OK")
                return answered
            telemetry.finish(record, code)
            if len(details) > _LONGEST_DETAILS:
                details = details[:_LONGEST_DETAILS] + "...TRUNCATED"
            context.set_code(getattr(grpc.StatusCode, code))
            context.set_details(details)
            return b""

        return answer


def channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """Return the pairs of ``name=value,name=value``, values as numbers where they parse.

    Raises:
        InvalidRequestError: A part has no ``=``.

    Example:
        >>> channel_arguments("grpc.so_reuseaddr=1,grpc.lb_policy_name=grpclb")
        [('grpc.so_reuseaddr', 1), ('grpc.lb_policy_name', 'grpclb')]
    """
    arguments: list[tuple[str, int | str]] = []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise InvalidRequestError(
                f"grpc_channel_arguments must be name=value pairs separated by commas; received {part!r}."
            )
        number = value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()
        arguments.append((name, int(value) if number else value))
    return arguments


def _remaining(context: grpc.ServicerContext) -> float | None:
    """Seconds until the deadline; a call without one reports centuries, more than a lock can wait."""
    seconds = context.time_remaining()
    return None if seconds is None or seconds > _NO_DEADLINE else float(seconds)


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
