"""What the coordinator tells its members, and what they report to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.servable import VersionStatus
from tfdeconv.wire.version_state import VersionState

Key = tuple[str, int]
"""A model's name and one of its versions."""


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """A version that every replica has to hold.

    Attributes:
        name: The model.
        version: Its version.
        path: The version's folder.
        token: Tells this order from an earlier one for the same version.
    """

    name: str
    version: int
    path: str
    token: str


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served, and what the whole deployment is said to serve.

    Attributes:
        deployment: The deployment that it is for.
        coordinator: The process that made it; another one starts anew with its numbers.
        number: Grows with every change.
        ready: Whether the models of the start are available. Before that nothing is taken out of service.
        orders: Versions to hold.
        served: Those that requests may reach.
        models: The configuration behind it, or None before there is one.
        configuration: Grows with every other configuration.
        configured: The configured models in order of name.
        label_table: Model to label to version.
        states: Model to its versions' states, newest first; what is not on every replica is not available.
        channels: Where the replicas that serve listen for edges, those of an earlier deployment too.
        polled: The content of the polled configuration file that was applied last; see ``ConfigPoller``.
    """

    deployment: str = ""
    coordinator: str = ""
    number: int = 0
    ready: bool = False
    orders: tuple[Order, ...] = ()
    served: frozenset[Key] = frozenset()
    models: tuple[ModelConfig, ...] | None = None
    configuration: int = 0
    configured: tuple[str, ...] = ()
    label_table: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    states: Mapping[str, tuple[VersionStatus, ...]] = dataclasses.field(default_factory=dict)
    channels: frozenset[Address] = frozenset()
    polled: str = ""

    @property
    def replicas(self) -> int:
        """How many replicas serve."""
        return len(self.channels)

    def names(self) -> list[str]:
        """Return the configured models in order of name."""
        return list(self.configured)

    def labels(self, name: str) -> Mapping[str, int]:
        """Return a model's labels and the versions they name."""
        return self.label_table.get(name, {})

    def statuses(self, name: str) -> Sequence[VersionStatus]:
        """Return the states of a model's versions, newest first."""
        return self.states.get(name, ())

    def differs(self, other: Plan) -> bool:
        """Whether it says anything but what ``other`` says."""
        return dataclasses.replace(self, number=other.number) != other


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How an order ended on one replica.

    Attributes:
        code: ``"OK"``, or the canonical code of the error.
        text: The error's message.
    """

    code: str = "OK"
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What a member says of itself.

    Attributes:
        member: Its name, unlike any other's.
        deployment: The deployment that it belongs to; a later one of the same application has another name.
        actor: Handle of the actor that it runs in.
        plan: The coordinator and the number of the plan that it follows.
        models: The last configuration that it has heard of.
        configuration: That configuration's number.
        polled: As in that plan.
        address: Of an edge: host, gRPC port and REST port.
        error: Why it cannot start, as ``CODE: message``; empty if it can.
        replica: Whether it is a replica.
        channel: Of a replica: where it listens for edges.
        serves: Of a replica that answers requests: the versions that it answers with.
        outcomes: Of a replica: token to how that order ended.
        metrics: Of a replica: the cells of its counters and histograms.
    """

    member: str
    deployment: str
    actor: Any
    plan: tuple[str, int] = ("", 0)
    models: tuple[ModelConfig, ...] | None = None
    configuration: int = 0
    polled: str = ""
    address: tuple[str, int | None, int | None] | None = None
    error: str = ""
    replica: bool = False
    channel: Address | None = None
    serves: frozenset[Key] | None = None
    outcomes: Mapping[str, Outcome] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, Mapping[tuple[str, ...], Any]] = dataclasses.field(default_factory=dict)


def available(states: Sequence[VersionStatus]) -> set[int]:
    """Return the versions that are available."""
    return {status.version for status in states if status.state is VersionState.AVAILABLE}
