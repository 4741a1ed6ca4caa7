"""How one request gets its answer: which server, when again, and until when."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from tfdeconv.client.endpoint import Endpoint
from tfdeconv.client.exchange.flow import Call, Deadline, Drop, Flow, LookUp, Send, Sleep, T, Together
from tfdeconv.client.exchange.peers import Peer, Peers
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.failures import none_reachable, unresolved
from tfdeconv.errors import DeadlineExceededError, ServingError, UnavailableError, UnreachableError

_AT_ONCE = 16  # servers that are asked at the same time where all are


class Delivery:
    """Sends calls to the servers of a client.

    Args:
        endpoints: Where they are.
        retry: When a call is sent again.
    """

    def __init__(self, endpoints: Sequence[Endpoint], retry: RetryPolicy) -> None:
        self._peers = Peers(endpoints)
        self._retry = retry

    def any(self, call: Call[T], deadline: Deadline) -> Flow[T]:
        """Send a call to the server whose turn it is, again where it is unavailable, and read the answer.

        It goes to the other servers at once, and after a pause to all again. A server that could not be
        reached costs no attempt as long as there are others to ask; one that refuses for now does.
        """
        delays = self._retry.delays()
        tried: set[Peer] = set()
        away: dict[str, UnreachableError] = {}
        while True:
            peer = None
            try:
                yield from self._look_up()
                peer = self._peers.choose(tried)
                tried.add(peer)
                return (yield from self._send(call, deadline, peer))
            except UnavailableError as error:
                if isinstance(error, UnreachableError) and peer is not None:
                    away[peer.endpoint.url] = error
                elsewhere = self._retry.attempts > 1 and self._peers.others(tried)
                delay = 0.0 if elsewhere and isinstance(error, UnreachableError) else next(delays, None)
                if delay is None or not (elsewhere or deadline.allows(delay)):
                    if len(away) > 1 and isinstance(error, UnreachableError):
                        raise none_reachable(list(away.values())) from None
                    raise
                if elsewhere:
                    continue
                tried.clear()
            yield Sleep(delay)

    def all(self, call: Call[T], deadline: Deadline) -> Flow[dict[str, T | ServingError]]:
        """Send a call to every server once; return URL to its answer, or to the error that came instead."""
        yield from self._look_up()
        peers = self._peers.all()
        answers: list[T | ServingError] = []
        yield Together(lambda peer: self._attempt(call, deadline, peer), peers, _AT_ONCE, answers.append)
        return {peer.endpoint.url: answer for peer, answer in zip(peers, answers, strict=True)}

    def each(self, call: Call[T], deadline: Deadline) -> Flow[None]:
        """Send a call to every server, again where it is unavailable.

        Raises:
            ServingError: What the first server that did not do it answered, after all were told.
        """
        yield from self._look_up()
        peers = self._peers.all()
        failures: list[ServingError | None] = []
        yield Together(lambda peer: self._insist(call, deadline, peer), peers, _AT_ONCE, failures.append)
        for peer, failure in zip(peers, failures, strict=True):
            if failure is not None and len(peers) > 1 and peer.endpoint.url not in str(failure):
                raise type(failure)(f"{peer.endpoint.url}: {failure}")
            if failure is not None:
                raise failure

    def _insist(self, call: Call[T], deadline: Deadline, peer: Peer) -> Flow[ServingError | None]:
        for delay in itertools.chain(self._retry.delays(), [None]):
            answer = yield from self._attempt(call, deadline, peer)
            if not isinstance(answer, UnavailableError) or delay is None or not deadline.allows(delay):
                break
            yield Sleep(delay)
        return answer if isinstance(answer, ServingError) else None

    def _attempt(self, call: Call[T], deadline: Deadline, peer: Peer) -> Flow[T | ServingError]:
        self._peers.enter(peer)
        try:
            return (yield from self._send(call, deadline, peer))
        except ServingError as error:
            return error

    def _send(self, call: Call[T], deadline: Deadline, peer: Peer) -> Flow[T]:
        """Send a call to a server that has been chosen for it, and note whether it was reached."""
        sent = 0.0
        try:
            left = deadline.remaining()  # raises where there is none, before anything is sent
            sent = time.monotonic()
            answer = yield Send(call, left, peer.endpoint)
        except UnreachableError:
            self._peers.missed(peer)
            raise
        except DeadlineExceededError:
            if deadline.allows(0):  # the server's own words, before the time was over
                self._peers.reached(peer)
            else:
                self._peers.unanswered(peer, sent)
            raise
        except ServingError:
            self._peers.reached(peer)
            raise
        finally:
            self._peers.release(peer)
        self._peers.reached(peer)
        return call.read(answer)

    def _look_up(self) -> Flow[None]:
        """Learn the addresses of the names whose time it is; keep the old ones where that fails."""
        for endpoint in self._peers.due():
            try:
                found = yield LookUp((endpoint.name or "").strip("[]"))
            except (OSError, UnicodeError) as error:
                if not self._peers.all():
                    reason = getattr(error, "strerror", None) or str(error)
                    raise unresolved(endpoint.url, reason) from None
            else:
                self._peers.found(endpoint, found)
        for gone in self._peers.gone():
            yield Drop(gone)
