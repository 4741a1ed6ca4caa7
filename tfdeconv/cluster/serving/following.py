"""A replica's repository: holds what the coordinator orders, and answers for the whole deployment."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfdeconv.cluster.serving.plan import Key, Order, Outcome, Plan
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import Loader, ModelRepository
from tfdeconv.serving.repository.servable import Servable, VersionStatus
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
Reload = Callable[[Sequence[ModelConfig], float | None, threading.Event | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Held:
    """A loaded version, and who ordered it."""

    order: Order
    coordinator: str
    servable: Servable


class FollowingRepository(ModelRepository):
    """Loads and unloads as plans say.

    It looks at no folder by itself: two replicas would see a new version at different times.

    Args:
        loader: As for ``ModelRepository``.
        **settings: The same.

    Attributes:
        plan: The plan that is followed.
        reload: Replaces the list of models of the whole deployment; set before requests arrive.
    """

    def __init__(self, loader: Loader, **settings: Any) -> None:
        super().__init__(loader, **settings)
        self.plan = Plan()
        self.reload: Reload | None = None
        self._held: dict[Key, _Held] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._loading: set[str] = set()
        self._tokens: set[str] = set()

    # What requests see

    def statuses(self, name: str) -> list[VersionStatus]:
        """Return the states of a model's versions in the deployment, newest first."""
        return list(self.plan.statuses(name))

    def names(self) -> list[str]:
        """Return the configured models in order of name."""
        return self.plan.names()

    def labels(self, name: str) -> Mapping[str, int]:
        """Return a model's labels and the versions they name."""
        return self.plan.labels(name)

    def configure(
        self,
        configs: Sequence[ModelConfig],
        *,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        """Let the coordinator replace the list of models; return when every replica follows."""
        assert self.reload is not None
        self.reload(configs, timeout, cancel)

    # What the coordinator sees

    def outcomes(self) -> dict[str, Outcome]:
        """Return how the orders of the plan have ended, by token."""
        with self._changed:
            return dict(self._outcomes)

    def served(self) -> frozenset[Key]:
        """Return the versions that requests reach."""
        return frozenset((name, version) for name, found in self._available.items() for version in found)

    def follow(self, plan: Plan) -> None:
        """Start what the plan orders, publish what it serves, and end the rest."""
        orders = {(order.name, order.version): order for order in plan.orders}
        tokens = {order.token for order in plan.orders}
        with self._changed:
            for order in plan.orders:
                self._take(order, plan.coordinator)
            self._outcomes = {token: end for token, end in self._outcomes.items() if token in tokens}
            if plan.ready or not self.plan.ready:
                self._publish_plan(plan)
                for key, held in list(self._held.items()):
                    wanted = orders.get(key)
                    if key not in plan.served and (wanted is None or wanted.token != held.order.token):
                        del self._held[key]
                        self._unload_pool.submit(held.servable.retire)
                self.plan = plan
            else:  # a new coordinator that has not found its feet: everything goes on
                self.plan = dataclasses.replace(self.plan, coordinator=plan.coordinator, number=plan.number)
            self._tokens = tokens

    def complete(self) -> bool:
        """Whether requests reach all that the plan serves."""
        return self.plan.ready and self.served() == self.plan.served

    def lacks(self) -> Outcome | None:
        """Return how the load of a version that others serve has failed here; None where none has.

        Nobody orders it again: the coordinator gives up a version only where it is served by nobody yet.
        """
        with self._changed:
            ends = (
                self._outcomes.get(order.token)
                for order in self.plan.orders
                if (order.name, order.version) in self.plan.served
            )
            return next((end for end in ends if end is not None and end.code != "OK"), None)

    def _take(self, order: Order, coordinator: str) -> None:
        """Load what an order asks for, unless it is there. The caller holds the lock."""
        if order.token in self._outcomes or order.token in self._loading:
            return
        held = self._held.get((order.name, order.version))
        if held is not None and held.coordinator != coordinator and held.order.path == order.path:
            # Loaded for a coordinator that is gone.
            self._held[order.name, order.version] = _Held(order, coordinator, held.servable)
            self._outcomes[order.token] = Outcome()
            return
        self._loading.add(order.token)
        self._load_pool.submit(self._carry_out, order, coordinator)

    def _carry_out(self, order: Order, coordinator: str) -> None:
        started = time.monotonic()
        try:
            model = self._loader(order.name, order.version, Path(order.path))
        except Exception as error:
            _LOG.warning("Loading %s version %d failed: %s", order.name, order.version, error)
            outcome, servable = Outcome(status_codes.code_of(error), str(error)), None
        else:
            _LOG.info("Loaded %s version %d in %.1f s", order.name, order.version, time.monotonic() - started)
            outcome, servable = Outcome(), Servable(order.name, order.version, model)
        with self._changed:
            self._loading.discard(order.token)
            wanted = order.token in self._tokens and not self._closing.is_set()
            if wanted:
                self._outcomes[order.token] = outcome
            if servable is not None and wanted:
                key = (order.name, order.version)
                before = self._held.get(key)
                self._held[key] = _Held(order, coordinator, servable)
                if before is not None:
                    self._unload_pool.submit(before.servable.retire)
                self._publish_plan(self.plan)
            elif servable is not None:
                self._unload_pool.submit(servable.retire)
            self._changed.notify_all()

    def _publish_plan(self, plan: Plan) -> None:
        """Let requests reach what the plan serves, all at once. The caller holds the lock."""
        found: dict[str, dict[int, Servable]] = {}
        for name, version in plan.served & self._held.keys():
            found.setdefault(name, {})[version] = self._held[name, version].servable
        self._labels.replace(plan.label_table)
        self._available = found

    def close(self, timeout: float | None = None) -> bool:
        """Finish running requests and unload everything; see ``ModelRepository.close``."""
        self._closing.set()
        with self._changed:
            held, self._held, self._available = list(self._held.values()), {}, {}
        retired = [self._unload_pool.submit(one.servable.retire) for one in held]
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            for future in retired:
                future.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
            ended = True
        except TimeoutError:
            ended = False
        self._load_pool.shutdown(wait=ended, cancel_futures=True)
        if ended:  # else a load that ends later is still to be undone
            self._unload_pool.shutdown()
        return ended
