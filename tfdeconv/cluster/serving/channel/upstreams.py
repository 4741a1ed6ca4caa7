"""The edge's end: the replicas that are there, and requests to the one with the least to do."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.cluster.serving.channel.listener import DRAINING
from tfdeconv.cluster.serving.channel.upstream import Exchange, NotSentError, Upstream
from tfdeconv.errors import UnavailableError

_LOG = logging.getLogger("tfdeconv.serving")
_ATTEMPTS = 4
"""Replicas that one request may see die: one that kills each it meets must not meet them all."""
_PATIENCE = 60.0
"""Seconds that a request without a deadline waits for any replica to be there."""


class Upstreams:
    """All replicas that this edge has heard of and not lost for good.

    Args:
        limit: Requests that this edge has under way on one replica; others wait here, and go where there is
            room first.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._upstreams: dict[Address, Upstream] = {}
        self._listed: frozenset[Address] = frozenset()
        self._turn = 0

    def follow(self, addresses: Iterable[Address]) -> None:
        """Add replicas that are new; let go of those that are gone and not among ``addresses``.

        One that is not among them and answers is still asked: the coordinator may not know it yet.
        """
        listed = frozenset(addresses)
        with self._changed:
            self._listed = listed
            for address in listed - self._upstreams.keys():
                self._upstreams[address] = Upstream(address, self._tell)
            for address, upstream in list(self._upstreams.items()):
                if address not in listed and not upstream.usable:
                    upstream.retire()
                    del self._upstreams[address]

    def ask(
        self,
        head: Callable[[float | None], Sequence[Any]],
        body: bytes,
        on_cancel: Callable[[Callable[[], None]], None] = lambda callback: None,
        *,
        deadline: float | None = None,
        again: bool = True,
    ) -> tuple[list[Any], bytes]:
        """Return head and body of a replica's answer.

        Args:
            head: Returns the request's head for the seconds that are left.
            body: Its body.
            on_cancel: Takes what to do when the caller gives up. Defaults to nothing.
            deadline: When the caller gives up by itself, on the monotonic clock. Defaults to never.
            again: Whether a request whose replica is gone, perhaps after the work, may be sent to another.

        Raises:
            UnavailableError: No replica has answered.
            DeadlineExceededError: In time.
            CancelledError: The caller gave up.
        """
        exchange = Exchange()

        def cancel() -> None:
            if exchange.cancel():
                with self._changed:
                    self._changed.notify_all()

        on_cancel(cancel)
        attempts = _ATTEMPTS if again else 1
        patience = time.monotonic() + _PATIENCE
        try:
            while attempts:
                upstream = self._take(exchange, deadline)
                left = None if deadline is None else deadline - time.monotonic()
                try:
                    answer = exchange.run(upstream, head(left), body)
                except NotSentError as error:
                    if time.monotonic() > patience:  # it is there, and takes no connection
                        raise UnavailableError(f"No replica can be reached: {error}") from None
                    continue
                except OSError as error:
                    exchange.check(deadline)
                    _LOG.warning("A replica did not answer: %s", error)
                    attempts -= 1
                    continue
                finally:
                    self._give(upstream)
                if answer[0][0] != DRAINING:
                    return answer
                upstream.suspect()
        finally:
            exchange.finish()
        raise UnavailableError("The replicas that were to answer this request ended before they did")

    def _take(self, exchange: Exchange, deadline: float | None) -> Upstream:
        """Return the replica with the least to do, and count one request more for it."""
        patience = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                exchange.check(deadline)
                usable = [one for one in self._upstreams.values() if one.usable]
                free = [one for one in usable if one.running < self._limit]
                if free:
                    self._turn += 1
                    first = self._turn % len(free)
                    found = min(free[first:] + free[:first], key=lambda one: one.running)
                    found.running += 1
                    return found
                now = time.monotonic()
                if not usable and now >= patience:
                    raise UnavailableError("No replica is there to answer this request")
                ends = [patience] if not usable else []
                ends += [deadline] if deadline is not None else []
                self._changed.wait(max(0.0, min(ends) - now) if ends else None)

    def _give(self, upstream: Upstream) -> None:
        with self._changed:
            upstream.running -= 1
            self._changed.notify_all()

    def _tell(self, upstream: Upstream) -> None:
        """Wake who waits for a replica; let go of one that is lost for good."""
        with self._changed:
            if not upstream.usable and upstream.address not in self._listed:
                upstream.retire()
                self._upstreams.pop(upstream.address, None)
            self._changed.notify_all()
