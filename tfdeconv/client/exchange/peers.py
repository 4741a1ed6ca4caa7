"""Which of several servers gets the next request: each in turn, without those that cannot be reached."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tfdeconv.client.endpoint import Endpoint

LOOK_UP_SECONDS = 30.0  # between two looks for the addresses of a name
_HASTY_SECONDS = 1.0  # the same after a server could not be reached
_FIRST_LEFT_OUT, _LAST_LEFT_OUT = 0.5, 30.0  # seconds without requests for a server that cannot be reached
_CROWD = 4  # requests in flight that a server may have more than twice those of the idlest one


@dataclass(eq=False)
class Peer:
    """One server.

    Attributes:
        endpoint: Where it is.
        in_flight: Requests sent to it and not answered yet.
        turn: When it was last chosen, counted in choices.
        failures: How often in a row it could not be reached.
        out_until: Until when it gets no requests, on the clock of ``time.monotonic``.
        heard: When it last answered, on that clock.
    """

    endpoint: Endpoint
    in_flight: int = 0
    turn: int = 0
    failures: int = 0
    out_until: float = 0.0
    heard: float = 0.0


@dataclass(eq=False)
class Name:
    """A name whose addresses are servers.

    Attributes:
        endpoint: The endpoint as it was given.
        peers: The servers at its addresses when it was last looked up; None: never yet.
        looked_up: When that was.
        due: When it is to be looked up again.
    """

    endpoint: Endpoint
    peers: list[Peer] | None = None
    looked_up: float = 0.0
    due: float = 0.0


@dataclass
class Peers:
    """The servers of a client; safe to share between threads.

    Args:
        endpoints: As they were given, names among them.

    Example:
        >>> from tfdeconv.client.endpoint import parse
        >>> peers = Peers([parse("grpc://a"), parse("grpc://b")])
        >>> [peers.choose().endpoint.address for _ in range(4)]
        ['a:8500', 'b:8500', 'a:8500', 'b:8500']
    """

    endpoints: Sequence[Endpoint]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: int = 0

    def __post_init__(self) -> None:
        self._fixed = [Peer(endpoint) for endpoint in self.endpoints if endpoint.name is None]
        self._names = [Name(endpoint) for endpoint in self.endpoints if endpoint.name is not None]
        self._gone: list[Peer] = []

    def all(self) -> list[Peer]:
        """Return the servers known now."""
        with self._lock:
            return self._all()

    def _all(self) -> list[Peer]:
        return self._fixed + [peer for name in self._names for peer in name.peers or ()]

    def choose(self, tried: Collection[Peer] = ()) -> Peer:
        """Return the server for the next request, counted as in flight until :meth:`release`.

        Servers that can be reached come before others, those that this request has not tried before those
        that it has, and then the one whose last turn is longest ago. A server that does not get on with its
        requests is passed over.

        Args:
            tried: Those that could not answer this request.
        """
        with self._lock:
            now = time.monotonic()
            peers = self._all()
            up = [peer for peer in peers if peer.out_until <= now]
            pool = [peer for peer in up if peer not in tried] or up
            if not pool:
                least_bad = min(peers, key=lambda peer: (peer in tried, peer.out_until))
                pool = [least_bad]
            limit = 2 * min(peer.in_flight for peer in pool) + _CROWD
            chosen = min((peer for peer in pool if peer.in_flight <= limit), key=lambda peer: peer.turn)
            if chosen.failures:  # one request tries whether it is back; the others wait for what comes of it
                chosen.out_until = now + _left_out(chosen.failures)
            self._turns += 1
            chosen.turn = self._turns
            chosen.in_flight += 1
            return chosen

    def enter(self, peer: Peer) -> None:
        """Count a request to a server as in flight, without its being its turn."""
        with self._lock:
            peer.in_flight += 1

    def release(self, peer: Peer) -> None:
        """Count a request as no longer in flight."""
        with self._lock:
            peer.in_flight -= 1

    def others(self, tried: Collection[Peer]) -> bool:
        """Return whether another server can be asked at once."""
        with self._lock:
            now = time.monotonic()
            return any(peer.out_until <= now and peer not in tried for peer in self._all())

    def reached(self, peer: Peer) -> None:
        """Note that a server answered, be it with an error."""
        with self._lock:
            peer.failures, peer.out_until, peer.heard = 0, 0.0, time.monotonic()

    def unanswered(self, peer: Peer, since: float) -> None:
        """Note that a request sent at ``since`` got no answer in its time.

        A server that has answered others meanwhile is slow with this one; one that has not is left out.
        """
        if peer.heard < since:
            self.missed(peer)

    def missed(self, peer: Peer) -> None:
        """Leave a server out for a while, longer each time, since it could not be reached."""
        with self._lock:
            now = time.monotonic()
            peer.failures += 1
            peer.out_until = now + _left_out(peer.failures)
            for name in self._names:
                if peer in (name.peers or ()):
                    name.due = min(name.due, name.looked_up + _HASTY_SECONDS)

    def due(self) -> list[Endpoint]:
        """Return the names to look up now; each is returned to one caller, but for the first time."""
        with self._lock:
            now = time.monotonic()
            found = [name for name in self._names if name.peers is None or name.due <= now]
            for name in found:
                name.due = now + LOOK_UP_SECONDS
            return [name.endpoint for name in found]

    def found(self, endpoint: Endpoint, addresses: Sequence[str]) -> None:
        """Take the addresses of a name; what is known of those that it had already is kept."""
        with self._lock:
            now = time.monotonic()
            for name in self._names:
                if name.endpoint is endpoint:
                    old = {peer.endpoint.address: peer for peer in name.peers or ()}
                    new = [endpoint.at(address) for address in addresses]
                    name.peers = [old.pop(one.address) if one.address in old else Peer(one) for one in new]
                    name.looked_up = now
                    self._gone += old.values()

    def gone(self) -> list[Endpoint]:
        """Return, once, the endpoints that no name has any more and no request uses."""
        with self._lock:
            current = {peer.endpoint.address for peer in self._all()}
            self._gone = [peer for peer in self._gone if peer.endpoint.address not in current]
            idle = [peer for peer in self._gone if not peer.in_flight]
            self._gone = [peer for peer in self._gone if peer.in_flight]
            return [peer.endpoint for peer in idle]


def _left_out(failures: int) -> float:
    longest = min(_LAST_LEFT_OUT, _FIRST_LEFT_OUT * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.75, 1.0)
