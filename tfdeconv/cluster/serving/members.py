"""The replicas and edges that a coordinator knows, and what they have reported."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError

from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.cluster.serving.plan import Key, Outcome, Report
from tfdeconv.cluster.serving.shared_metrics import Cells, add_cells

_SILENT_SECONDS = 2.0


@dataclasses.dataclass(slots=True)
class _Member:
    report: Report
    heard: float
    probe: Any = None


class Members:
    """All members of a deployment that are not known to be dead.

    A member that has been silent for a while is asked through Ray, which knows a dead actor from a busy one.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._members: dict[str, _Member] = {}
        self._gone: Cells = {}

    def take(self, report: Report) -> None:
        """Keep what a member says."""
        with self.changed:
            self._members[report.member] = _Member(report, time.monotonic())
            self.changed.notify_all()

    def leave(self, member: str) -> None:
        """Forget a member that has ended, but not what it counted."""
        with self.changed:
            found = self._members.pop(member, None)
            if found is not None:
                add_cells(self._gone, found.report.metrics)
            self.changed.notify_all()

    def forget_the_dead(self) -> None:
        """Probe those that are silent."""
        with self.changed:
            silent = [
                (name, member)
                for name, member in self._members.items()
                if time.monotonic() - member.heard > _SILENT_SECONDS
            ]
        for name, member in silent:
            if member.probe is None:
                member.probe = member.report.actor.__ray_ready__.remote()
            try:
                ray.get(member.probe, timeout=0.01)
                member.probe = None
            except GetTimeoutError:
                pass
            except ActorUnavailableError:  # its node does not answer now; once it is dead, Ray says so
                member.probe = None
            except RayActorError:
                self.leave(name)

    def reports(self) -> list[Report]:
        """Return the last report of each."""
        with self.changed:
            return [member.report for member in self._members.values()]

    def replicas(self) -> list[Report]:
        """Return the last report of each replica."""
        return [report for report in self.reports() if report.replica]

    def outcomes(self, token: str) -> list[Outcome | None]:
        """Return how an order has ended on each replica; None where it has not."""
        return [report.outcomes.get(token) for report in self.replicas()]

    def serve_everywhere(self) -> frozenset[Key]:
        """Return the versions that every replica that answers requests answers with."""
        sets = [report.serves for report in self.replicas() if report.serves is not None]
        return frozenset.intersection(*sets) if sets else frozenset()

    def channels(self) -> frozenset[Address]:
        """Return where the replicas that answer requests listen for them."""
        serving = [report for report in self.replicas() if report.serves is not None]
        return frozenset(report.channel for report in serving if report.channel is not None)

    def metrics(self) -> Cells:
        """Return the sums of all cells, of members that are gone too."""
        with self.changed:
            total: Cells = {}
            add_cells(total, self._gone)
            for member in self._members.values():
                add_cells(total, member.report.metrics)
            return total


def newest_configuration(reports: Iterable[Report]) -> Report | None:
    """Return the report with the latest configuration, or None where there is none."""
    told = [report for report in reports if report.models is not None]
    return max(told, key=lambda report: report.configuration, default=None)
