"""How a replica or an edge stays in touch with the coordinator."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import ray
from ray.serve.handle import DeploymentHandle

from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.cluster.serving.plan import Plan, Report

_LOG = logging.getLogger("tfdeconv.serving")
_PAUSE_SECONDS = 0.3
_ANSWER_SECONDS = 10.0
_GOODBYE_SECONDS = 1.0


class Membership:
    """Reports to the coordinator again and again, and takes its plans, on a thread of its own.

    While there is no coordinator, the last plan holds.

    Args:
        coordinator: Its handle.
        deployment: The deployment that this member belongs to.
        describe: Returns what a report says beside the member's name and its plan.
        follow: Takes a plan. Defaults to nothing.
        reach: Takes where the replicas are that serve, also those of a deployment that replaces this one.
            Defaults to nothing.
    """

    def __init__(
        self,
        coordinator: DeploymentHandle[Any],
        deployment: str,
        *,
        describe: Callable[[], dict[str, Any]],
        follow: Callable[[Plan], None] = lambda plan: None,
        reach: Callable[[Iterable[Address]], None] = lambda addresses: None,
    ) -> None:
        self.coordinator = coordinator.options(_by_reference=False)
        self.plan = Plan()
        self._describe = describe
        self._follow = follow
        self._reach = reach
        self._report = Report(
            member=uuid.uuid4().hex,
            deployment=deployment,
            actor=ray.get_runtime_context().current_actor,
        )
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="tfdeconv-membership", daemon=True)

    def start(self) -> None:
        """Report from now on."""
        self._thread.start()

    def wait_for(self, condition: Callable[[Plan], bool]) -> None:
        """Return when ``condition`` holds for the last plan, and the coordinator has been told so."""
        with self._changed:
            self._changed.wait_for(lambda: condition(self.plan))

    def stop(self) -> None:
        """Take no more plans, and tell the coordinator, if there is one, that this member is gone."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_GOODBYE_SECONDS)

    def tell(self) -> None:
        """Report once more, at once."""
        # Not on this thread: Ray Serve may have made it an event loop's, which must not wait.
        thread = threading.Thread(target=self._exchange, daemon=True)
        thread.start()
        thread.join(_ANSWER_SECONDS)

    def _run(self) -> None:
        complained = False
        while not self._stopping.is_set():
            try:
                plan = self._exchange()
            except Exception as error:
                if not complained:
                    _LOG.warning("The coordinator does not answer: %r", error)
                complained = True
                self._stopping.wait(_PAUSE_SECONDS)
                continue
            complained = False
            if plan.deployment != self._report.deployment:
                self._stopping.wait(_PAUSE_SECONDS)
        try:
            self.coordinator.leave.remote(self._report.member).result(timeout_s=_GOODBYE_SECONDS)
        except Exception:  # it finds out by itself
            _LOG.debug("The coordinator was not told", exc_info=True)

    def _exchange(self) -> Plan:
        """Report once; return the plan that came back."""
        plan = self.plan
        known = {
            "plan": (plan.coordinator, plan.number),
            "models": plan.models,
            "configuration": plan.configuration,
            "polled": plan.polled,
        }
        report = dataclasses.replace(self._report, **(known | self._describe()))
        response = self.coordinator.sync.remote(report)
        try:
            answer: Plan = response.result(timeout_s=_ANSWER_SECONDS)
        except TimeoutError:
            response.cancel()
            raise
        own = self._report.deployment
        if own in (answer.deployment, plan.deployment):  # not what ends as this one begins
            self._reach(answer.channels)
        if answer.deployment == own:
            self._follow(answer)
            with self._changed:
                # A coordinator without a configuration has not found its feet: what is known stays known.
                if answer.models is None and plan.models is not None:
                    answer = dataclasses.replace(
                        answer, models=plan.models, configuration=plan.configuration, polled=plan.polled
                    )
                self.plan = answer
                self._changed.notify_all()
        return answer


def quiet_start() -> float:
    """Set up logging of a process of the deployment; return the time."""
    logging.basicConfig(format="%(asctime)s %(levelname).1s %(message)s", level=logging.INFO)
    for noisy in ("tensorflow", "absl", "uvicorn", "ray.serve"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return time.monotonic()
