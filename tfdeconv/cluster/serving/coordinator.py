"""The one process that decides which versions of which models every replica serves."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from tfdeconv.cluster.serving import shared_metrics
from tfdeconv.cluster.serving.members import Members, newest_configuration
from tfdeconv.cluster.serving.plan import Key, Order, Outcome, Plan, Report
from tfdeconv.errors import CancelledError, TfdeconvError
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.models.model import Model
from tfdeconv.serving.repository.configured_models import (
    ConfigPoller,
    repository_settings,
)
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.servable import VersionStatus
from tfdeconv.wire import status_codes
from tfdeconv.wire.version_state import VersionState

_LOG = logging.getLogger("tfdeconv.serving")
_REFRESH_SECONDS = 0.03
_HOLD_SECONDS = 0.4
_ADOPTION_SECONDS = 1.0


class Coordinator:
    """Keeps a model repository whose loads happen on all replicas.

    It looks at folders, applies policies, labels and configurations as the embedded server does, because it
    runs that server's repository. Where that one would load a version, this one orders it from every replica,
    and the version becomes available when the last of them has it. A replica that starts later is given the
    same orders before it answers its first request.

    Another process that takes over after this one finds the last configuration in its members' reports.

    Args:
        options: The server's options.
        deployment: Name of this deployment; members of an earlier or later one are left to theirs.
    """

    def __init__(self, options: ServerOptions, deployment: str) -> None:
        self._options = options
        self._deployment = deployment
        self._members = Members()
        self._orders: dict[str, Order] = {}
        self._closing = threading.Event()
        self._planning = threading.Lock()
        self._ready = False
        self._error = ""
        self._seen: set[str] = set()
        self._repository = _Recorded(self._load, self._settled, **repository_settings(options))
        self._poller = ConfigPoller(self._repository, options)
        self._plan = Plan(deployment, uuid.uuid4().hex)
        for target in (self._start, self._refresh):
            threading.Thread(target=target, daemon=True).start()

    # What members and launchers ask

    async def sync(self, report: Report) -> Plan:
        """Take a member's report; return the plan as soon as it differs from the one that it follows.

        Returns:
            The plan, also when nothing has changed for a while. Members of an earlier deployment, which goes
            on until it is replaced whole, read no more in it than where replicas are.
        """
        if report.deployment != self._deployment:
            return self._plan
        self._members.take(report)
        deadline = time.monotonic() + _HOLD_SECONDS
        while (self._plan.coordinator, self._plan.number) == report.plan and time.monotonic() < deadline:
            await asyncio.sleep(_REFRESH_SECONDS)
        return self._plan

    async def leave(self, member: str) -> None:
        """Forget a member that ends."""
        self._members.leave(member)

    async def reload(self, models: Sequence[ModelConfig], timeout: float | None) -> Outcome:
        """Replace the list of models; return when every replica follows, or why not."""
        gone = threading.Event()

        def configure() -> Outcome:
            try:
                self._repository.configure(models, timeout=timeout, cancel=gone)
            except TfdeconvError as error:
                return Outcome(status_codes.code_of(error), str(error))
            return Outcome()

        try:
            return await asyncio.to_thread(configure)
        finally:
            gone.set()

    async def metrics(self) -> str:
        """Return the page for Prometheus of all replicas together."""
        return shared_metrics.page(self._members.metrics())

    async def state(self) -> tuple[str, str, list[tuple[str, int | None, int | None]], int]:
        """Return the deployment's name, why it cannot start, the edges' addresses, how many serve."""
        reports = self._members.reports()
        errors = [self._error, *(report.error for report in reports)]
        addresses = [report.address for report in reports if report.address is not None]
        return (
            self._deployment,
            next(filter(None, errors), ""),
            sorted(addresses, key=str),
            self._plan.replicas,
        )

    # What happens by itself

    def _start(self) -> None:
        try:
            models = self._adopted() or self._poller.first()
            self._repository.configure(models, cancel=self._closing)
            self._ready = True
            self._poller.start()
        except CancelledError:
            pass
        except TfdeconvError as error:
            self._error = status_codes.with_code(error)
            _LOG.error("Failed to start: %s", self._error)

    def _adopted(self) -> tuple[ModelConfig, ...] | None:
        """Return the configuration that members have from an earlier coordinator, if there was one."""
        while not self._members.reports():
            if self._closing.wait(_REFRESH_SECONDS):
                return None
        if newest_configuration(self._members.reports()):
            self._closing.wait(_ADOPTION_SECONDS)  # others may know a later one
        found = newest_configuration(self._members.reports())
        if found is None:
            return None
        self._repository.configuration, self._poller.applied = found.configuration, found.polled
        return found.models

    def _refresh(self) -> None:
        while not self._closing.wait(_REFRESH_SECONDS):
            try:
                self._members.forget_the_dead()
                self._replan()
            except Exception:
                _LOG.exception("Planning failed")

    def _replan(self) -> None:
        with self._planning:
            self._make_plan()

    def _make_plan(self) -> None:
        self._seen.update(self._repository.names())
        everywhere = self._members.serve_everywhere()
        states: dict[str, tuple[VersionStatus, ...]] = {}
        served: set[Key] = set()
        for name in sorted(self._seen):
            statuses = self._repository.statuses(name)
            served.update((name, one.version) for one in statuses if one.state is VersionState.AVAILABLE)
            states[name] = tuple(
                dataclasses.replace(one, state=VersionState.LOADING)
                if one.state is VersionState.AVAILABLE and (name, one.version) not in everywhere
                else one
                for one in statuses
            )
        names = self._repository.names()
        with self._members.changed:
            plan = Plan(
                deployment=self._deployment,
                coordinator=self._plan.coordinator,
                number=self._plan.number + 1,
                ready=self._ready,
                orders=tuple(self._orders.values()),
                served=frozenset(served),
                models=self._repository.models,
                configuration=self._repository.configuration,
                configured=tuple(names),
                label_table={name: dict(self._repository.labels(name)) for name in names},
                states=states,
                channels=self._members.channels(),
                polled=self._poller.applied,
            )
            if plan.differs(self._plan):
                self._plan = plan
                self._members.changed.notify_all()

    def _load(self, name: str, version: int, path: Path) -> Model:
        """Have every replica load a version; return when the last one has, in place of the model."""
        order = Order(name, version, str(path), uuid.uuid4().hex)
        with self._members.changed:
            self._orders[order.token] = order
        try:
            with self._members.changed:
                while True:
                    if self._closing.is_set():
                        raise CancelledError("The coordinator is stopping.")
                    outcomes = self._members.outcomes(order.token)
                    failed = next((end for end in outcomes if end and end.code != "OK"), None)
                    if failed:
                        raise status_codes.error_of(failed.code, failed.text)
                    if outcomes and all(outcomes):
                        return cast(Model, _Everywhere(lambda: self._revoke(order)))
                    self._members.changed.wait(0.5)
        except BaseException:
            self._revoke(order)
            raise

    def _revoke(self, order: Order) -> None:
        with self._members.changed:
            self._orders.pop(order.token, None)

    def _settled(self, timeout: float | None, cancel: threading.Event | None) -> None:
        """Wait until every replica that answers requests follows a plan that says what is served."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self._replan()
        with self._members.changed:
            while not (cancel is not None and cancel.is_set()) and not self._closing.is_set():
                plan = (self._plan.coordinator, self._plan.number)
                if all(
                    report.plan == plan for report in self._members.replicas() if report.serves is not None
                ):
                    return
                if deadline is not None and time.monotonic() >= deadline:
                    return
                self._members.changed.wait(0.1)

    def __del__(self) -> None:
        """Stop; Ray Serve calls this when the coordinator is replaced."""
        self._poller.stop()
        self._closing.set()


class _Recorded(ModelRepository):
    """A repository that remembers its configuration, and for which a change is over when all follow."""

    def __init__(self, loader: Any, settled: Callable[..., None], **settings: Any) -> None:
        super().__init__(loader, **settings)
        self.models: tuple[ModelConfig, ...] | None = None
        self.configuration = 0
        self._settled = settled

    def configure(
        self,
        configs: Sequence[ModelConfig],
        *,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        """Replace the list of models; return when every replica follows."""
        self.models, self.configuration = tuple(configs), self.configuration + 1
        started = time.monotonic()
        try:
            super().configure(configs, timeout=timeout, cancel=cancel)
        finally:
            left = None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
            self._settled(left, cancel)


class _Everywhere:
    """A version that every replica holds; closing it revokes the order."""

    def __init__(self, revoke: Callable[[], None]) -> None:
        self._revoke = revoke

    def close(self) -> None:
        self._revoke()
