"""Start a server on the Ray cluster of a session, say where it listens, and end it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from tfdeconv.cluster.serving import application
from tfdeconv.cluster.serving.application import Scale
from tfdeconv.errors import CancelledError, ServingError
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_LOOK_SECONDS = 0.2
_ANSWER_SECONDS = 5.0
Address = tuple[str, int | None, int | None]


class Deployment:
    """A server that runs on the cluster that this process is connected to.

    Args:
        options: The server's options.
        scale: How many processes there are.
    """

    def __init__(self, options: ServerOptions, scale: Scale) -> None:
        self._options = options
        self._scale = scale
        self._name = uuid.uuid4().hex
        self._started = False

    def start(self, *, cancel: threading.Event) -> list[Address]:
        """Deploy; wait until every edge listens; return their addresses.

        A deployment that is there already is replaced process by process.

        Args:
            cancel: Ends the wait when it is set.

        Raises:
            ServingError: The models cannot be loaded, a port is taken, or the cluster has too little room.
            CancelledError: ``cancel`` was set.
        """
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        serve.start(proxy_location="Disabled")
        target = application.build(self._options, self._scale, deployment=self._name)
        serve.run_many(
            [serve.RunTarget(target, name=application.NAME, route_prefix=None)],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )
        said = False
        started = time.monotonic()
        while not cancel.wait(_LOOK_SECONDS):
            error, addresses, _ = self._state()
            if error:
                code, _, text = error.partition(": ")
                raise status_codes.error_of(code, text)
            status = serve.status().applications[application.NAME]
            if status.status == "RUNNING" and addresses:
                self._started = True
                return addresses
            if status.status in ("DEPLOY_FAILED", "UNHEALTHY"):
                raise ServingError(_reason(status.message))
            if not said and time.monotonic() - started > 30:
                waiting = {name: one.message for name, one in status.deployments.items() if one.message}
                for name, message in waiting.items():
                    _LOG.warning("Waiting for %s: %s", name, message.partition("\n")[0])
                said = True
        raise CancelledError("The start was given up.")

    def stop(self) -> None:
        """Let running requests finish and end all processes, unless a later deployment has taken over.

        When it returns, no request is under way, nothing listens on the ports, and Ray has been told to end
        the last process, which is gone a moment later. Where that takes more than 15 s beyond
        ``drain_seconds``, because the cluster does not answer, a warning says so. A deployment that has not
        started is ended by Ray Serve in its own time: it has nothing to finish.
        """
        with contextlib.suppress(Exception):
            name = self._ask(lambda handle: handle.state.remote())[0]
            if name != self._name:
                _LOG.info("A later deployment serves here; it goes on.")
                return
        # On a thread, since a signal to the whole process group has ended Ray as well, and calls may hang.
        thread = threading.Thread(target=self._end, daemon=True)
        thread.start()
        thread.join(self._scale.drain_seconds + application.FORCE_SECONDS + _ANSWER_SECONDS)
        if thread.is_alive():
            _LOG.warning("Ray Serve does not say that the deployment has ended.")

    def _end(self) -> None:
        try:
            serve.delete(application.NAME, _blocking=False)
            while self._started and application.NAME in serve.status().applications:
                time.sleep(_LOOK_SECONDS)
        except (RayError, RayServeException) as error:
            _LOG.warning("Ray Serve cannot end the deployment: %s", str(error).partition("\n")[0])

    def _state(self) -> tuple[str, list[Address], int]:
        """Return why it cannot start, the edges, and how many replicas serve."""
        try:
            name, error, addresses, replicas = self._ask(lambda handle: handle.state.remote())
        except (RayError, RayServeException, TimeoutError, KeyError):
            return "", [], 0
        return (error, addresses, replicas) if name == self._name else ("", [], 0)

    def _ask(self, call: Callable[[DeploymentHandle[Any]], Any]) -> Any:
        handle = serve.get_deployment_handle("Coordinator", application.NAME)
        response = call(handle)
        try:
            return response.result(timeout_s=_ANSWER_SECONDS)
        except TimeoutError:
            response.cancel()
            raise


def _reason(message: str) -> str:
    """Return the line of Ray Serve's message that tells what is wrong: the last of a traceback."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line.partition(":")[0]]
    return (errors or lines or ["Ray Serve does not say why."])[-1]
