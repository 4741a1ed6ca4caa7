"""A replica: the project's runtime, and both protocols over the channel from the edges."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any, cast

import ray
from google.protobuf import descriptor_pb2
from ray.exceptions import RayError
from ray.serve.handle import DeploymentHandle

from tfdeconv.cluster.serving import membership, scaling
from tfdeconv.cluster.serving.channel.listener import Listener
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
        drain_seconds: How long running requests may finish when it ends.

    Raises:
        UnavailableError: A version that other replicas serve cannot be loaded here; Ray Serve starts another
            process in its place, now and then until one can.
    """

    def __init__(
        self,
        options: ServerOptions,
        coordinator: DeploymentHandle[Any],
        deployment: str,
        drain_seconds: float,
    ) -> None:
        membership.quiet_start()
        keep_freed_memory()
        # Folders are the coordinator's business.
        still = dataclasses.replace(options, file_system_poll_wait_seconds=0)
        self._runtime = Runtime(still, repository=FollowingRepository)
        self._repository = cast(FollowingRepository, self._runtime.repository)
        self._repository.reload = self._reload
        self._grpc = GrpcApi(self._runtime)
        self._rest = RestApi(self._runtime)
        self._drain_seconds = drain_seconds
        self._listener = Listener(
            self._answer, host=ray.util.get_node_ip_address(), threads=options.grpc_threads
        )
        self._told = self._serving = False
        self._membership = Membership(coordinator, deployment, describe=self._describe, follow=self._follow)
        self._membership.start()
        # The coordinator knows then; before, Ray Serve must not end another replica for this one.
        self._membership.wait_for(lambda plan: self._serving or self._repository.lacks() is not None)
        if not self._serving:
            lacking = self._repository.lacks()
            self._membership.stop()
            raise UnavailableError(f"This replica cannot serve what others do: {lacking and lacking.text}")

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return the load; Ray Serve asks for it by this name."""
        return {scaling.LOAD: float(self._listener.running)}

    def _answer(self, head: Sequence[Any], body: bytes, waiting: Cancellation) -> tuple[Sequence[Any], bytes]:
        """Answer what an edge passes on."""
        if head[0] == "grpc":
            code, details, message = self._grpc.answer(head[1], body, waiting)
            return (code, details), message
        if head[0] == "rest":
            status, content = self._rest.answer(head[1], head[2], body, waiting)
            return (status,), content
        files = [descriptor_pb2.FileDescriptorProto.FromString(one) for one in descriptors.serialized()]
        return ("OK",), descriptor_pb2.FileDescriptorSet(file=files).SerializeToString()

    def _describe(self) -> dict[str, Any]:
        self._told = self._serving or self._repository.complete()
        return {
            "replica": True,
            "channel": self._listener.address,
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
        """Let running requests finish and unload; Ray Serve calls this."""
        if hasattr(self, "_membership"):
            self._membership.stop()
            self._listener.stop(self._drain_seconds)
            self._runtime.close(timeout=5)
