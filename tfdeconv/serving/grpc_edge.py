"""gRPC: PredictionService and ModelService of TensorFlow Serving over the data plane.

Handlers take and return bytes: large tensors are read and written by the codec, not by the generated
message classes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import message as protobuf
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfdeconv.errors import InvalidRequestError, ServingError, TfdeconvError
from tfdeconv.serving import status_codes
from tfdeconv.serving.codec import predict_message
from tfdeconv.serving.data_plane import DataPlane
from tfdeconv.serving.model_spec import ModelSpec

_LOG = logging.getLogger("tfdeconv.serving")
_INT32_MAX = (1 << 31) - 1
_LONGEST_DETAILS = 1024
_PREDICTION = "tensorflow.serving.PredictionService"
_MODEL = "tensorflow.serving.ModelService"
Handler = Callable[[bytes], bytes]


class GrpcEdge:
    """Listens for gRPC calls.

    Args:
        plane: Answers the requests.
        max_threads: Calls answered at the same time.
        as_content: Whether answers carry ``tensor_content`` instead of typed fields. Defaults to False.
    """

    def __init__(self, plane: DataPlane, *, max_threads: int, as_content: bool = False) -> None:
        self._plane = plane
        self._as_content = as_content
        self._pool = ThreadPoolExecutor(max_threads, "tfdeconv-grpc")
        self._server = grpc.server(
            self._pool,
            handlers=[
                _service(
                    _PREDICTION, {"Predict": self._predict, "GetModelMetadata": self._get_model_metadata}
                ),
                _service(_MODEL, {"GetModelStatus": self._get_model_status}),
            ],
            options=[
                ("grpc.max_send_message_length", _INT32_MAX),
                ("grpc.max_receive_message_length", _INT32_MAX),
                ("grpc.so_reuseport", 0),  # two servers on one port would share its calls silently
            ],
        )

    def listen(self, address: str) -> int:
        """Open a TCP address (``host:port``, port 0 for any) or ``unix:PATH``; return the port.

        Raises:
            ServingError: The address is taken, or not this machine's.
        """
        try:
            return int(self._server.add_insecure_port(address))
        except RuntimeError:
            raise ServingError(
                f"Cannot listen for gRPC on {address}: the address is in use, or is not this machine's. "
                "Choose another port, or 0 for any free one."
            ) from None

    def start(self) -> None:
        """Answer calls from now on."""
        self._server.start()

    def stop(self, grace: float | None) -> None:
        """Refuse new calls, let running ones finish for ``grace`` seconds, and close."""
        self._server.stop(grace).wait()
        self._pool.shutdown()

    def _predict(self, data: bytes) -> bytes:
        call = predict_message.parse_request(data)
        spec, outputs = self._plane.predict(_required(call.spec), call.inputs, call.output_filter)
        return predict_message.build_response(spec, outputs, as_content=self._as_content)

    def _get_model_metadata(self, data: bytes) -> bytes:
        request = _parse(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = _required(_spec(request))
        return metadata_response(*self._plane.metadata(spec, request.metadata_field)).SerializeToString()

    def _get_model_status(self, data: bytes) -> bytes:
        request = _parse(get_model_status_pb2.GetModelStatusRequest, data)
        return status_response(self._plane.status(_required(_spec(request)))).SerializeToString()


def metadata_response(spec: ModelSpec, signatures: Any) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return the message that carries a model's signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(
        model_spec=predict_message.spec_to_message(spec)
    )
    table = get_model_metadata_pb2.SignatureDefMap(signature_def=signatures)
    response.metadata["signature_def"].Pack(table)
    return response


def status_response(versions: Sequence[Any]) -> get_model_status_pb2.GetModelStatusResponse:
    """Return the message that carries the states of a model's versions."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in versions:
        entry = response.model_version_status.add(version=version.version, state=int(version.state))
        if version.error is None:
            entry.status.error_code = 0
        else:
            entry.status.error_code = status_codes.NUMBERS[status_codes.code_of(version.error)]
            entry.status.error_message = str(version.error)
    return response


def _spec(request: Any) -> ModelSpec | None:
    return predict_message.spec_from_message(request.model_spec) if request.HasField("model_spec") else None


def _required(spec: ModelSpec | None) -> ModelSpec:
    if spec is None:
        raise InvalidRequestError("Missing ModelSpec")
    return spec


def _parse(kind: type[Any], data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except protobuf.DecodeError:
        raise InvalidRequestError(f"The message is not a {kind.DESCRIPTOR.name}") from None


def _service(name: str, methods: dict[str, Handler]) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        name,
        {method: grpc.unary_unary_rpc_method_handler(_guarded(call)) for method, call in methods.items()},
    )


def _guarded(handler: Handler) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """Turn errors into status codes; nothing a request does may end as an unhandled exception."""

    def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return handler(data)
        except TfdeconvError as error:
            code, details = status_codes.code_of(error), str(error)
        except Exception:
            _LOG.exception("A gRPC request failed")
            code, details = "INTERNAL", "The server failed to answer this request; its log has the cause."
        if len(details) > _LONGEST_DETAILS:
            details = details[:_LONGEST_DETAILS] + "...TRUNCATED"
        context.set_code(getattr(grpc.StatusCode, code))
        context.set_details(details)
        return b""

    return answer
