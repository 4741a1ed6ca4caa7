"""How an edge passes requests on: as bytes, to another replica when one has died."""

from __future__ import annotations

import time

from google.protobuf import descriptor_pb2

from tfdeconv.cluster.serving.channel.upstreams import Upstreams
from tfdeconv.errors import TfdeconvError
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.grpc.answer import GrpcAnswer
from tfdeconv.serving.grpc.call_context import CallContext
from tfdeconv.serving.rest.error_body import error_body
from tfdeconv.wire import status_codes

_CHANGING = frozenset({"HandleReloadConfigRequest"})


class Forwarding:
    """Answers like ``GrpcApi`` and ``RestApi``, by asking a replica.

    Requests that change nothing go to another replica when theirs dies; the answer is UNAVAILABLE where that
    does not help.

    Args:
        upstreams: The replicas.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    def answer(self, method: str, message: bytes, context: CallContext) -> GrpcAnswer:
        """Return how a call ends; see ``GrpcApi.answer``."""
        seconds = context.time_remaining()
        try:
            (code, details), response = self._upstreams.ask(
                lambda left: (left, "grpc", method),
                message,
                context.on_cancel,
                deadline=None if seconds is None else time.monotonic() + seconds,
                again=method not in _CHANGING,
            )
        except TfdeconvError as error:
            return GrpcAnswer(status_codes.code_of(error), str(error), b"")
        return GrpcAnswer(code, details, response)

    def rest(self, method: str, path: str, body: bytes, waiting: Cancellation) -> tuple[int, bytes]:
        """Return status and body of an answer; see ``RestApi.answer``."""
        try:
            (status,), content = self._upstreams.ask(
                lambda left: (left, "rest", method, path), body, waiting.on_cancel
            )
        except TfdeconvError as error:
            return status_codes.http_status(status_codes.code_of(error)), error_body(str(error))
        return status, content

    def descriptors(self) -> list[bytes]:
        """Return what ``descriptors.serialized`` does where TensorFlow is imported already."""
        _, content = self._upstreams.ask(lambda left: (left, "descriptors"), b"")
        files = descriptor_pb2.FileDescriptorSet.FromString(content).file
        return [file.SerializeToString() for file in files]
