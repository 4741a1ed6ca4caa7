"""An edge: receives what clients send over gRPC and REST, and passes it on."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ray
from ray.serve.handle import DeploymentHandle

from tfdeconv.cluster.serving import membership
from tfdeconv.cluster.serving.channel.upstreams import Upstreams
from tfdeconv.cluster.serving.forwarding import Forwarding
from tfdeconv.cluster.serving.membership import Membership
from tfdeconv.cluster.serving.plan import Plan
from tfdeconv.errors import UnavailableError
from tfdeconv.serving.addresses import bound_socket, bracketed
from tfdeconv.serving.config import tls
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.grpc.server import GrpcServer, channel_arguments
from tfdeconv.serving.rest import application as rest
from tfdeconv.serving.rest.http_server import HttpServer, limits_of
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_THREADS = 128
"""Calls that an edge has under way at least: its threads only wait."""
_METRICS_SECONDS = 5.0


class Edge:
    """Listens on the ports of the options, on its own node, once the deployment is ready.

    Args:
        options: The server's options.
        replicas: Handle of the replicas, which lets Ray Serve run them; requests go past it.
        coordinator: Handle of the coordinator.
        deployment: The deployment that the edge belongs to.
        drain_seconds: How long running requests may finish when it ends.
    """

    def __init__(
        self,
        options: ServerOptions,
        replicas: DeploymentHandle[Any],
        coordinator: DeploymentHandle[Any],
        deployment: str,
        drain_seconds: float,
    ) -> None:
        membership.quiet_start()
        self._options = options
        self._drain_seconds = drain_seconds
        self._address: tuple[str, int | None, int | None] | None = None
        self._error = ""
        self._upstreams = Upstreams(limit=options.grpc_threads)
        self._forwarding = Forwarding(self._upstreams)
        self._grpc: GrpcServer | None = None
        self._http: HttpServer | None = None
        self._membership = Membership(
            coordinator,
            deployment,
            describe=self._describe,
            follow=self._tell_health,
            reach=self._upstreams.follow,
        )
        try:
            self._prepare()
            self._membership.start()
            self._membership.wait_for(lambda plan: plan.ready and plan.replicas > 0)
            self._open()
        except Exception as error:
            self._error = status_codes.with_code(error)
            self._membership.tell()
            raise

    async def addresses(self) -> tuple[str, int | None, int | None]:
        """Return the node's address, the gRPC port and the REST port."""
        assert self._address is not None
        return self._address

    def _prepare(self) -> None:
        """Look at what can be wrong before anything waits for models."""
        options = self._options
        self._rest_threads = ThreadPoolExecutor(max(_THREADS, options.rest_api_num_threads), "tfdeconv-rest")
        self._app = rest.application(
            options,
            answer=self._forwarding.rest,
            models=_Whole(self._membership),
            metrics=self._metrics,
            executor=self._rest_threads,
        )
        self._credentials = tls.credentials(options.ssl_config_file) if options.ssl_config_file else None
        self._arguments = channel_arguments(options.grpc_channel_arguments)
        for protocol, port in (("gRPC", options.grpc_port), ("REST", options.rest_port)):
            if port:
                bound_socket(protocol, options.host, port).close()

    def _open(self) -> None:
        options = self._options
        grpc_port = rest_port = None
        if options.grpc_port is not None or options.grpc_socket_path:
            self._grpc = GrpcServer(
                self._forwarding,
                max_threads=max(_THREADS, options.grpc_max_threads),
                channel_arguments=self._arguments,
                credentials=self._credentials,
                health_service=options.enable_grpc_healthcheck_service,
                described=self._rest_threads.submit(self._forwarding.descriptors).result(),
            )
            if options.grpc_port is not None:
                grpc_port = self._grpc.listen(f"{bracketed(options.host)}:{options.grpc_port}")
            if options.grpc_socket_path:
                self._grpc.listen(f"unix:{options.grpc_socket_path}")
        if options.rest_port is not None:
            self._http = HttpServer(
                self._app, self._rest_threads, limits_of(options), rest.common_headers(options)
            )
            rest_port = self._http.listen(options.host, options.rest_port)
        if self._grpc is not None:
            self._grpc.start()
        if self._http is not None:
            self._http.start()
        self._address = (ray.util.get_node_ip_address(), grpc_port, rest_port)

    def _describe(self) -> dict[str, Any]:
        return {"address": self._address, "error": self._error}

    def _tell_health(self, plan: Plan) -> None:
        if self._grpc is not None and plan.ready:
            self._grpc.report_health(serving=plan.replicas > 0)

    def _metrics(self) -> str:
        response = self._membership.coordinator.metrics.remote()
        try:
            return str(response.result(timeout_s=_METRICS_SECONDS))
        except Exception as error:
            raise UnavailableError(f"The coordinator does not answer: {error}") from None

    def __del__(self) -> None:
        """Let running requests finish and close; Ray Serve calls this."""
        if not hasattr(self, "_membership"):
            return
        listening = [one for one in (self._grpc, self._http) if one is not None]
        threads = [threading.Thread(target=one.stop, args=(self._drain_seconds,)) for one in listening]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._membership.stop()


class _Whole:
    """The models of the deployment, as the last plan tells them."""

    def __init__(self, found: Membership) -> None:
        self._membership = found

    def names(self) -> list[str]:
        return self._membership.plan.names()

    def labels(self, name: str) -> Any:
        return self._membership.plan.labels(name)

    def statuses(self, name: str) -> Any:
        return self._membership.plan.statuses(name)
