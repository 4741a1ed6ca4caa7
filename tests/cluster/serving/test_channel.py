"""The channel from edges to replicas: nothing is lost, nobody waits for what is gone, strangers stay out."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import threading
import time

import pytest
import trustme
from serving_waits import wait_for

from tfdeconv.cluster.serving.channel import frames, greeting, upstream
from tfdeconv.cluster.serving.channel.listener import Listener
from tfdeconv.cluster.serving.channel.upstreams import Upstreams
from tfdeconv.errors import CancelledError, DeadlineExceededError, UnavailableError
from tfdeconv.serving.cancellation import Cancellation

HOST = "127.0.0.1"


def no_seconds(left: float | None) -> tuple[object, ...]:
    return (left, "echo")


class Replica:
    """A listener whose answers are its name and what it was asked, once ``open`` is set."""

    def __init__(self, name: str = "", *, threads: int = 4) -> None:
        self.name = name
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Semaphore(0)
        self.cancelled = threading.Event()
        self.heads: list[list[object]] = []
        self.listener = Listener(self.answer, host=HOST, threads=threads)

    def answer(self, head, body, waiting: Cancellation):
        self.heads.append(list(head))
        waiting.on_cancel(self.cancelled.set)
        self.begun.release()
        while not self.open.wait(0.01):
            if self.cancelled.is_set():
                return ["cancelled"], b""
        return [self.name, *head], body


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pings come at once, and no busy machine looks like a lost one; nobody asks after the test."""
    monkeypatch.setattr(upstream, "_LOST_SECONDS", 60.0)
    monkeypatch.setattr(upstream, "_PING_SECONDS", 0.05)
    monkeypatch.setattr(greeting, "SECONDS", 5.0)
    made: list[upstream.Upstream] = []
    begin = upstream.Upstream.__init__
    monkeypatch.setattr(
        upstream.Upstream, "__init__", lambda self, *args: (made.append(self), begin(self, *args))[1]
    )
    yield
    for one in made:
        one.retire()


def edge(*replicas: Replica, limit: int = 8) -> Upstreams:
    """Upstreams that have found all of them."""
    found = Upstreams(limit=limit)
    found.follow([one.listener.address for one in replicas])
    wait_for(lambda: usable(found) == len(replicas))
    return found


def usable(upstreams: Upstreams) -> int:
    return sum(one.usable for one in upstreams._upstreams.values())


class Asking:
    """A request on a thread of its own."""

    def __init__(self, upstreams: Upstreams, *, body: bytes = b"", **about) -> None:
        self.error: BaseException | None = None
        self.answer = None
        self.cancels: list = []
        self.thread = threading.Thread(target=self._run, args=(upstreams, body), kwargs=about)
        self.thread.start()

    def _run(self, upstreams, body, **about):
        try:
            self.answer = upstreams.ask(no_seconds, body, self.cancels.append, **about)
        except Exception as error:
            self.error = error

    def end(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self.answer


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 16) + 1, 5_000_000])
def test_bytes_arrive_as_they_were_sent(size):
    """Of any length, both ways, and the seconds that are left with them."""
    replica = Replica("a")
    body = bytes(range(256)) * (size // 256 + 1)
    answer = edge(replica).ask(lambda left: (left, "echo", "ü"), body[:size])
    assert answer == (["a", "echo", "ü"], body[:size])


def test_requests_are_spread():
    """Each goes to the replica with the least to do."""
    replicas = [Replica("a"), Replica("b")]
    upstreams = edge(*replicas)
    for one in replicas:
        one.open.clear()
    asked = [Asking(upstreams) for _ in range(6)]
    for one in replicas:
        for _ in range(3):
            assert one.begun.acquire(timeout=60)
        one.open.set()
    assert sorted(one.end()[0][0] for one in asked) == ["a"] * 3 + ["b"] * 3


def test_more_than_a_replica_may_have_waits_and_goes_where_there_is_room_first():
    """With one each, the third goes to the replica that is done."""
    a, b = Replica("a"), Replica("b")
    upstreams = edge(a, b, limit=1)
    for one in (a, b):
        one.open.clear()
    first = [Asking(upstreams), Asking(upstreams)]
    assert a.begun.acquire(timeout=60)
    assert b.begun.acquire(timeout=60)
    third = Asking(upstreams)
    b.open.set()
    assert third.end()[0][0] == "b"
    a.open.set()
    assert sorted(one.end()[0][0] for one in first) == ["a", "b"]


def kill(replica: Replica) -> None:
    """End it as SIGKILL does: every connection breaks."""
    frames.shut(replica.listener._socket)
    for connection in list(replica.listener._connections.values()):
        frames.shut(connection.socket)


def test_what_a_dead_replica_had_is_answered_by_another():
    """At once."""
    a, b = Replica("a"), Replica("b")
    upstreams = edge(a, b)
    for one in (a, b):  # b too: one that answers sooner than the next is asked has the least to do again
        one.open.clear()
    asked = [Asking(upstreams) for _ in range(4)]
    for _ in range(2):
        assert a.begun.acquire(timeout=60)
    kill(a)
    b.open.set()
    assert {one.end()[0][0] for one in asked} == {"b"}


def test_what_may_have_been_done_is_not_done_again():
    """A change whose replica died is answered with an error that says so."""
    a, b = Replica("a"), Replica("b")
    upstreams = edge(a, b)
    for one in (a, b):
        one.open.clear()
    asked = [Asking(upstreams, again=False) for _ in range(2)]
    assert a.begun.acquire(timeout=60)
    kill(a)
    b.open.set()
    errors = []
    for one in asked:
        try:
            one.end()
        except UnavailableError as error:
            errors.append(str(error))
    assert errors == ["The replicas that were to answer this request ended before they did"]
    assert len(b.heads) == 1


def test_a_request_that_ends_every_replica_meets_four_of_them():
    """Not all that there are."""
    replicas = [Replica(str(number)) for number in range(6)]
    upstreams = edge(*replicas)
    for one in replicas:
        one.answer = None  # calling it raises, and breaks the connection
        one.listener._answer = lambda *_: (_ for _ in ()).throw(OSError("killed"))
    with pytest.raises(UnavailableError, match="ended before they did"):
        upstreams.ask(no_seconds, b"")


def test_a_connection_that_cannot_be_accepted_does_not_end_the_listener(monkeypatch):
    """As where a process has as many files open as it may: the next one is accepted, and so is that one."""
    failing = iter([errno.EMFILE, errno.ECONNABORTED])
    accept = socket.socket.accept

    def short_of_files(listening):
        if number := next(failing, None):
            raise OSError(number, os.strerror(number))
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", short_of_files)
    a = Replica("a")
    assert edge(a).ask(no_seconds, b"")[0][0] == "a"
    assert next(failing, None) is None


class Silent:
    """Greets, answers pings while it may, then nothing: a stopped process, or a network that drops all."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.asked = threading.Semaphore(0)
        server = socket.create_server((HOST, 0))
        self.address = greeting.Address(HOST, server.getsockname()[1], b"k" * 32)
        self.held: list[socket.socket] = [server]
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def _accept(self, server):
        while True:
            raw, _ = server.accept()
            self.held.append(raw)
            if not self.stopped.is_set():
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        connection = greeting.accept(raw, self.address.key)
        while not self.stopped.is_set():
            head, _ = frames.receive(connection)
            if head != ["ping"]:
                self.stopped.set()
                self.asked.release()
            elif not self.stopped.is_set():
                frames.send(connection, ["ping"])


def test_what_a_silent_replica_had_is_answered_by_another(monkeypatch):
    """Its connections are open, and nothing comes: the pings tell."""
    monkeypatch.setattr(upstream, "_LOST_SECONDS", 1.0)
    silent = Silent()
    upstreams = Upstreams(limit=8)
    upstreams.follow([silent.address])
    wait_for(lambda: usable(upstreams) == 1)
    asked = Asking(upstreams)
    assert silent.asked.acquire(timeout=60)
    b = Replica("b")
    upstreams.follow([silent.address, b.listener.address])
    assert asked.end()[0][0] == "b"
    upstreams.follow([b.listener.address])
    assert list(upstreams._upstreams) == [b.listener.address]


def test_a_replica_that_ends_finishes_what_it_has():
    """And takes nothing more: that goes to another one."""
    a, b = Replica("a"), Replica("b")
    upstreams = edge(a)
    a.open.clear()
    asked = Asking(upstreams)
    assert a.begun.acquire(timeout=60)
    ending = threading.Thread(target=a.listener.stop, args=(60,))
    ending.start()
    wait_for(lambda: usable(upstreams) == 0)
    upstreams.follow([b.listener.address])
    assert upstreams.ask(no_seconds, b"")[0][0] == "b"
    a.open.set()
    assert asked.end()[0][0] == "a"
    ending.join(60)
    assert not ending.is_alive()


def test_a_caller_that_gives_up_ends_the_work():
    """Edge and replica both stop, and the connection is not used again."""
    a = Replica("a")
    upstreams = edge(a)
    a.open.clear()
    asked = Asking(upstreams)
    assert a.begun.acquire(timeout=60)
    asked.cancels[0]()
    with pytest.raises(CancelledError):
        asked.end()
    assert a.cancelled.wait(60)
    a.open.set()
    assert upstreams.ask(no_seconds, b"more") == (["a", "echo"], b"more")
    asked.cancels[0]()  # callers call back at any end: too late for anything
    assert upstreams.ask(no_seconds, b"more") == (["a", "echo"], b"more")


def test_a_deadline_holds_while_no_replica_is_there():
    """And the replica is told how much of it is left."""
    upstreams = Upstreams(limit=1)
    with pytest.raises(DeadlineExceededError):
        upstreams.ask(no_seconds, b"", deadline=time.monotonic() + 0.05)
    a = Replica("a")
    found = edge(a)
    seconds: list[float | None] = []
    found.ask(lambda left: (seconds.append(left), (left, "echo"))[1], b"", deadline=time.monotonic() + 90)
    assert 60 < seconds[0] <= 90


def test_a_request_waits_for_the_first_replica():
    """One that comes while it waits answers it."""
    upstreams = Upstreams(limit=1)
    asked = Asking(upstreams)
    a = Replica("a")
    upstreams.follow([a.listener.address])
    assert asked.end()[0][0] == "a"


def test_strangers_are_refused():
    """Who does not know the key is answered nothing, whatever is sent; others go on."""
    a = Replica("a")
    address = a.listener.address
    stranger = dataclasses.replace(address, key=b"wrong" * 6)
    with pytest.raises(ConnectionError):
        greeting.connect(stranger)
    with socket.create_connection((HOST, address.port)) as raw:
        assert len(raw.recv(100)) == 32  # a number that answers nothing
        raw.sendall(b"POST / HTTP/1.1\r\n" * 20)
        with contextlib.suppress(ConnectionError):
            assert raw.recv(1) == b""
    assert a.heads == []
    assert edge(a).ask(no_seconds, b"")[0][0] == "a"
    assert address.key.hex() not in repr(address)
    assert repr(address.key) not in repr(address)


def test_another_process_on_the_port_of_a_replica_gets_no_request():
    """It does not know the key either."""
    other = Replica("other")
    expected = dataclasses.replace(other.listener.address, key=b"of the former")
    upstreams = Upstreams(limit=1)
    upstreams.follow([expected])
    with pytest.raises(DeadlineExceededError):
        upstreams.ask(no_seconds, b"", deadline=time.monotonic() + 0.3)
    assert other.heads == []


def test_where_ray_uses_tls_the_channel_does(tmp_path, monkeypatch):
    """With the same certificates, wanted of both ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca")
    issued = authority.issue_cert(HOST)
    issued.private_key_pem.write_to_path(tmp_path / "key")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert", append=True)
    monkeypatch.setenv("RAY_USE_TLS", "1")
    monkeypatch.setenv("RAY_TLS_CA_CERT", str(tmp_path / "ca"))
    monkeypatch.setenv("RAY_TLS_SERVER_CERT", str(tmp_path / "cert"))
    monkeypatch.setenv("RAY_TLS_SERVER_KEY", str(tmp_path / "key"))
    a = Replica("a")
    upstreams = edge(a)
    body = b"x" * 3_000_000
    for _ in range(3):
        assert upstreams.ask(no_seconds, body) == (["a", "echo"], body)
    a.open.clear()
    asked = Asking(upstreams)
    assert a.begun.acquire(timeout=60)
    for _ in range(3):
        assert a.begun.acquire(timeout=60)
    asked.cancels[0]()
    assert a.cancelled.wait(60)
    with socket.create_connection((HOST, a.listener.address.port)) as raw:
        raw.sendall(b"x" * 96)
        with contextlib.suppress(ConnectionError):
            assert len(raw.recv(100)) < 32  # not the greeting
