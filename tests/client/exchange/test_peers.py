"""Which of several servers is asked next."""

import time
from collections import Counter

import numpy as np
import pytest

from tfdeconv.client.endpoint import parse
from tfdeconv.client.exchange import peers as peers_module
from tfdeconv.client.exchange.peers import Peers


def test_a_slow_request_is_no_silence() -> None:
    """A server that answers others meanwhile gets its turns."""
    peers = Peers([parse("grpc://a"), parse("grpc://b")])
    peer = peers.choose()
    sent = time.monotonic()
    peers.reached(peer)
    peers.unanswered(peer, sent)
    assert peer.out_until == 0
    peers.unanswered(peer, time.monotonic() + 1)
    assert peer.out_until > 0


def test_a_server_that_hangs_is_passed_over() -> None:
    """While it does not get on with what it has, others get more."""
    peers = Peers([parse("grpc://slow"), parse("grpc://quick")])
    counts: Counter[str] = Counter()
    for _ in range(40):
        peer = peers.choose()
        counts[peer.endpoint.url] += 1
        if peer.endpoint.url == "grpc://quick":
            peers.release(peer)
    assert counts == {"grpc://slow": 5, "grpc://quick": 35}


def test_one_request_finds_out_whether_a_server_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over; pauses grow to half a minute, and an answer ends them."""
    now = 0.0
    monkeypatch.setattr(peers_module.time, "monotonic", lambda: now)
    peers = Peers([parse("grpc://gone"), parse("grpc://there")])
    gone = peers.choose()

    def chosen() -> int:
        """How many of four requests go to it."""
        peers_of_four = [peers.choose() for _ in range(4)]
        for peer in peers_of_four:
            peers.release(peer)
        return peers_of_four.count(gone)

    pauses = []
    for _ in range(9):
        peers.missed(gone)
        pauses.append(gone.out_until - now)
        assert chosen() == 0
        now = gone.out_until
        assert chosen() == 1
    limits = np.array([0.5, 1, 2, 4, 8, 16, 30, 30, 30])
    assert (pauses <= limits).all()
    assert (pauses >= 0.74 * limits).all()
    peers.reached(gone)
    assert chosen() == 2
