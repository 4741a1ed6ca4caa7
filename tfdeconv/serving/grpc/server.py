"""A gRPC server for the API: grpcio, its threads, its addresses and its health service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tfdeconv.errors import InvalidRequestError, ServingError
from tfdeconv.serving.grpc import descriptors
from tfdeconv.serving.grpc.answer import GrpcAnswer
from tfdeconv.serving.grpc.call_context import CallContext
from tfdeconv.wire.services import MODEL_SERVICE, PREDICTION_SERVICE, SERVICE_OF

_INT32_MAX = (1 << 31) - 1
_NO_DEADLINE = 1e8
_CLOSING_SECONDS = 0.5
# grpcio takes a thread for a call when its head comes, and holds it until all of its message has. Clients
# that send slowly, or keep a stream of reflection open, must not hold the threads that answer.
_WAITING_THREADS = 64
# The short names are those that the C++ server reports to grpc.health.v1.
_HEALTH_NAMES = ("", "ModelService", "PredictionService", MODEL_SERVICE, PREDICTION_SERVICE)


class Answering(Protocol):
    """What answers the calls: ``GrpcApi``, or something that passes them on to one."""

    def answer(self, method: str, message: bytes, context: CallContext) -> GrpcAnswer:
        """Return how a call ends; see ``GrpcApi.answer``."""


class GrpcServer:
    """Listens for gRPC calls.

    Args:
        api: Answers the calls.
        max_threads: Calls answered at the same time.
        channel_arguments: Name and value pairs for gRPC. Defaults to none.
        credentials: TLS. Defaults to none.
        health_service: Whether to offer grpc.health.v1. Defaults to False.
        described: What ``descriptors.serialized`` returned elsewhere. Defaults to asking it here, which
            imports TensorFlow.
    """

    def __init__(
        self,
        api: Answering,
        *,
        max_threads: int,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        credentials: grpc.ServerCredentials | None = None,
        health_service: bool = False,
        described: Sequence[bytes] | None = None,
    ) -> None:
        self._credentials = credentials
        self._pool = ThreadPoolExecutor(max_threads + _WAITING_THREADS, "tfdeconv-grpc")
        places = threading.BoundedSemaphore(max_threads)
        defaults: dict[str, int | str] = {
            "grpc.max_send_message_length": _INT32_MAX,
            "grpc.max_receive_message_length": _INT32_MAX,
            "grpc.so_reuseport": 0,  # two servers on one port would share its calls silently
        }
        self._server = grpc.server(
            self._pool,
            handlers=[_service(api, places, name) for name in (PREDICTION_SERVICE, MODEL_SERVICE)],
            options=list({**defaults, **dict(channel_arguments)}.items()),
        )
        self._health = _Health() if health_service else None
        services = [PREDICTION_SERVICE, MODEL_SERVICE]
        if self._health is not None:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
            services.append(health.SERVICE_NAME)
        # As in the C++ server, so that grpcurl and its like need no .proto files.
        pool = descriptors.pool(descriptors.serialized() if described is None else described)
        reflection.enable_server_reflection([*services, reflection.SERVICE_NAME], self._server, pool)

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
        self.report_health(serving=True)

    def stop(self, grace: float | None) -> None:
        """Refuse new calls, let running ones finish for ``grace`` seconds, and close.

        What still runs by then is cancelled and left to end by itself.
        """
        self.report_health(serving=False)
        self._server.stop(grace).wait(None if grace is None else grace + _CLOSING_SECONDS)
        self._pool.shutdown(wait=grace is None, cancel_futures=True)

    def report_health(self, *, serving: bool) -> None:
        """Tell grpc.health.v1 whether calls are answered."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        if self._health is not None:
            for name in _HEALTH_NAMES:
                self._health.set(name, state)


class _Health(health.HealthServicer):
    """grpcio's health service, with the method that it declares but leaves out."""

    def List(self, request: object, context: grpc.ServicerContext) -> health_pb2.HealthListResponse:  # noqa: N802
        """Return the state of every name."""
        return health_pb2.HealthListResponse(
            statuses={
                name: self.Check(health_pb2.HealthCheckRequest(service=name), context)
                for name in _HEALTH_NAMES
            }
        )


class ServicerCall:
    """The context of a call that grpcio received; see ``CallContext``."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def time_remaining(self) -> float | None:
        """Return the seconds left; grpcio reports centuries, more than a lock can wait, for none."""
        seconds = self._context.time_remaining()
        return None if seconds is None or seconds > _NO_DEADLINE else float(seconds)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call back when the call ends; at once if it has ended already, which grpcio only tells."""
        if not self._context.add_callback(callback):
            callback()


def _service(api: Answering, places: threading.Semaphore, name: str) -> grpc.GenericRpcHandler:
    methods = [method for method, service in SERVICE_OF.items() if service == name]
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(_handler(api, places, method)) for method in methods
    }
    return grpc.method_handlers_generic_handler(name, handlers)


def _handler(
    api: Answering, places: threading.Semaphore, method: str
) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def handle(data: bytes, context: grpc.ServicerContext) -> bytes:
        with places:
            answer = api.answer(method, data, ServicerCall(context))
        if answer.code != "OK":
            context.set_code(getattr(grpc.StatusCode, answer.code))
            context.set_details(answer.details)
        return answer.message

    return handle


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
