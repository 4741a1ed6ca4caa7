"""A replica: the project's runtime, and both protocols over it without a socket."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from ray.exceptions import RayError
from ray.serve.handle import DeploymentHandle

from tfdeconv.cluster.serving import membership
from tfdeconv.cluster.serving.following import FollowingRepository
from tfdeconv.cluster.serving.membership import Membership
from tfdeconv.cluster.serving.plan import Plan
from tfdeconv.errors import UnavailableError
from tfdeconv.serving import GrpcApi, RestApi, Runtime
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.grpc import descriptors
from tfdeconv.serving.launch.allocator import keep_freed_memory
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.wire import status_codes


class Replica:
    """Answers requests as bytes.

    It is there for requests when it follows the coordinator's plan, which is when it has every version that
    the other replicas serve.

    Args:
        options: The server's options.
        coordinator: Decides which versions are served.
        deployment: The deployment that the replica belongs to.
    """

    def __init__(self, options: ServerOptions, coordinator: DeploymentHandle[Any], deployment: str) -> None:
        membership.quiet_start()
        keep_freed_memory()
        # Folders are the coordinator's business.
        still = dataclasses.replace(options, file_system_poll_wait_seconds=0)
        self._runtime = Runtime(still, repository=FollowingRepository)
        self._repository = cast(FollowingRepository, self._runtime.repository)
        self._repository.reload = self._reload
        self._grpc = GrpcApi(self._runtime)
        self._rest = RestApi(self._runtime)
        self._pool = ThreadPoolExecutor(options.grpc_threads, "tfdeconv-replica")
        self._told = self._serving = False
        self._membership = Membership(coordinator, deployment, describe=self._describe, follow=self._follow)
        self._membership.start()
        # The coordinator answers the report that says so before Ray Serve sends the first request.
        self._membership.wait_for(lambda plan: self._serving)

    async def grpc(self, method: str, message: bytes, seconds: float | None) -> tuple[str, str, bytes]:
        """Return code, details and response of a call; see ``GrpcApi.answer``.

        Args:
            method: The method's name.
            message: The serialized request.
            seconds: Time until the caller's deadline, or None.
        """
        call = _Call(seconds)
        return tuple(await self._run(call.cancel, self._grpc.answer, method, message, call))

    async def rest(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of an answer; see ``RestApi.answer``."""
        waiting = Cancellation()
        return await self._run(waiting.cancel, self._rest.answer, method, path, body, waiting)

    async def descriptors(self) -> list[bytes]:
        """Return what an edge's reflection tells; an edge does not import TensorFlow to know it."""
        return descriptors.serialized()

    async def _run(self, cancel: Callable[[], None], answer: Callable[..., Any], *args: Any) -> Any:
        """Answer on a thread; a caller that gives up lets the work end between two of its steps."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, answer, *args)
        except asyncio.CancelledError:
            cancel()
            raise

    def _describe(self) -> dict[str, Any]:
        self._told = self._serving or self._repository.complete()
        return {
            "replica": True,
            "plan": (self._repository.plan.coordinator, self._repository.plan.number),
            "serves": self._repository.served() if self._told else None,
            "outcomes": self._repository.outcomes(),
            "metrics": self._runtime.telemetry.metrics.cells(),
        }

    def _follow(self, plan: Plan) -> None:
        self._repository.follow(plan)
        self._serving = self._told

    def _reload(
        self, models: Sequence[ModelConfig], timeout: float | None, cancel: threading.Event | None
    ) -> None:
        response = self._membership.coordinator.reload.remote(tuple(models), timeout)
        try:
            outcome = response.result(timeout_s=None if timeout is None else timeout + 1)
        except RayError:
            raise UnavailableError("The coordinator of the deployment ended; try again.") from None
        if outcome.code != "OK":
            raise status_codes.error_of(outcome.code, outcome.text)

    def __del__(self) -> None:
        """Unload; Ray Serve calls this when the running requests have ended."""
        if hasattr(self, "_membership"):
            self._membership.stop()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._runtime.close(timeout=5)


class _Call:
    """The context of a call that an edge received; see ``CallContext``."""

    def __init__(self, seconds: float | None) -> None:
        self._cancellation = Cancellation(seconds)
        self._seconds = seconds

    def time_remaining(self) -> float | None:
        """Return the seconds that were left when the edge passed the call on."""
        return self._seconds

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call back when the edge says that the caller has given up."""
        self._cancellation.on_cancel(callback)

    def cancel(self) -> None:
        """Say so."""
        self._cancellation.cancel()
