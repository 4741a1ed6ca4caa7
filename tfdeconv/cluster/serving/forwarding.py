"""How an edge passes requests on: as bytes, to another replica when one has died."""

from __future__ import annotations

import concurrent.futures
import logging
import time
from collections.abc import Callable
from typing import Any

from ray.exceptions import RayError, TaskCancelledError
from ray.serve.exceptions import BackPressureError, RayServeException, RequestCancelledError
from ray.serve.handle import DeploymentHandle

from tfdeconv.errors import CancelledError, DeadlineExceededError, TfdeconvError, UnavailableError
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.grpc.answer import GrpcAnswer
from tfdeconv.serving.grpc.call_context import CallContext
from tfdeconv.serving.rest.error_body import error_body
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_ATTEMPTS = 4
"""Replicas that one request may see die: one that kills each it meets must not meet them all."""
_CHANGING = frozenset({"HandleReloadConfigRequest"})


class Forwarding:
    """Answers like ``GrpcApi`` and ``RestApi``, by asking a replica.

    Requests that change nothing go to another replica when theirs dies; the answer is UNAVAILABLE where that
    does not help.

    Args:
        replicas: Handle of the replicas.
    """

    def __init__(self, replicas: DeploymentHandle[Any]) -> None:
        # Ray Serve's messages instead of actor calls: half the time, and nothing through the object store.
        self._replicas = replicas.options(_by_reference=False)

    def answer(self, method: str, message: bytes, context: CallContext) -> GrpcAnswer:
        """Return how a call ends; see ``GrpcApi.answer``."""
        seconds = context.time_remaining()
        deadline = None if seconds is None else time.monotonic() + seconds

        def send() -> Any:
            left = None if deadline is None else deadline - time.monotonic()
            return self._replicas.grpc.remote(method, message, left)

        try:
            attempts = 1 if method in _CHANGING else _ATTEMPTS
            return GrpcAnswer(*_ask(send, context.on_cancel, attempts=attempts, deadline=deadline))
        except TfdeconvError as error:
            return GrpcAnswer(status_codes.code_of(error), str(error), b"")

    def descriptors(self) -> list[bytes]:
        """Return what ``Replica.descriptors`` does."""
        found: list[bytes] = _ask(
            self._replicas.descriptors.remote, lambda callback: None, attempts=_ATTEMPTS, deadline=None
        )
        return found

    def rest(self, method: str, path: str, body: bytes, waiting: Cancellation) -> tuple[int, bytes]:
        """Return status and body of an answer; see ``RestApi.answer``."""
        try:
            status, content = _ask(
                lambda: self._replicas.rest.remote(method, path, body),
                waiting.on_cancel,
                attempts=_ATTEMPTS,
                deadline=None,
            )
        except TfdeconvError as error:
            return status_codes.http_status(status_codes.code_of(error)), error_body(str(error))
        return status, content


def _ask(
    send: Callable[[], Any],
    on_cancel: Callable[[Callable[[], None]], None],
    *,
    attempts: int,
    deadline: float | None,
) -> Any:
    """Return what a replica answers.

    Args:
        send: Sends the request to some replica.
        on_cancel: Takes what to do when the caller gives up.
        attempts: Replicas to try.
        deadline: When the caller gives up by itself, on the monotonic clock, or None.

    Raises:
        UnavailableError: No replica has answered.
        DeadlineExceededError: In time.
        CancelledError: The caller gave up.
    """
    current: list[Any] = []
    cancelled: list[bool] = []

    def cancel() -> None:
        cancelled.append(True)
        for response in current[-1:]:
            response.cancel()

    on_cancel(cancel)
    for _ in range(attempts):
        if cancelled:
            raise CancelledError("The client has given the request up")
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            break
        current[:] = [send()]
        try:
            return current[0].result(timeout_s=left)
        except TimeoutError:
            current[0].cancel()
            break
        except (RequestCancelledError, TaskCancelledError, concurrent.futures.CancelledError):
            if cancelled:
                raise CancelledError("The client has given the request up") from None
        except BackPressureError as error:
            raise UnavailableError(str(error)) from None
        except (RayError, RayServeException) as error:
            _LOG.warning("A replica did not answer: %s", str(error).partition("\n")[0])
    else:
        raise UnavailableError("The replicas that were to answer this request ended before they did")
    raise DeadlineExceededError("The deadline passed before the request was answered")
