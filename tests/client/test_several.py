"""One client of several servers: in turn, around those that are away, and back to them."""

import asyncio
import contextlib
import dataclasses
import itertools
import math
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
import trustme
from client.fakes.fake_grpc import grpc_server
from client.fakes.fake_model import MODEL, Failures
from client.fakes.fake_rest import rest_server
from serving_waits import free_port, wait_for

from tfdeconv import errors
from tfdeconv.client import TLS, RetryPolicy, connect, connect_async
from tfdeconv.client.endpoint import parse
from tfdeconv.client.exchange import peers as peers_module
from tfdeconv.client.exchange.peers import Peers
from tfdeconv.client.grpc import transport as grpc_transport
from tfdeconv.client.rest import transport as rest_transport
from tfdeconv.serving import Server

FAST = RetryPolicy(first_delay=0.001, max_delay=0.002)
TURNS = 4_000  # of the model: a fraction of a second
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")

SERVER = """
import sys
from tfdeconv.serving import Server
folder, host, port, rest_port = sys.argv[1:]
ports = {"grpc_port": int(port), "rest_port": int(rest_port)}
with Server(model_base_path=folder, model_name="work", host=host, **ports):
    print("ready", flush=True)
    sys.stdin.read()
"""


class ServerProcess:
    """An embedded server in a process of its own, whose ports stay when it is started again."""

    def __init__(self, folder: Path, host: str, ports: tuple[int, int]) -> None:
        self._command = [sys.executable, "-c", SERVER, str(folder), host, *map(str, ports)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(120)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@dataclasses.dataclass
class Servers:
    """Three servers: two in this process, and in the middle one in another."""

    ports: dict[str, int]
    victim: ServerProcess

    def urls(self, protocol: str) -> list[str]:
        scheme = {"grpc": "grpc", "rest": "http"}[protocol]
        return [f"{scheme}://{host}:{self.ports[protocol]}" for host in HOSTS]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Three servers of a model that works as long as it is told, at three addresses with the same ports."""
    folder = tmp_path_factory.mktemp("work")
    module = tf.Module()

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32, "x"), tf.TensorSpec([], tf.int32, "turns")]
    )
    def work(x, turns):
        _, y = tf.while_loop(
            lambda i, _: i < turns, lambda i, y: (i + 1, y + 1.0), (0, x), parallel_iterations=1
        )
        return {"y": y}

    module.work = work
    tf.saved_model.save(module, str(folder / "1"), {"serving_default": work})
    ports = free_port(HOSTS), free_port(HOSTS)
    victim = ServerProcess(folder, HOSTS[1], ports)
    try:
        options: Any = {"model_base_path": folder, "model_name": "work"}
        options.update(zip(("grpc_port", "rest_port"), ports, strict=True))
        with Server(host=HOSTS[0], **options), Server(host=HOSTS[2], **options):
            victim.wait()
            yield Servers(dict(zip(("grpc", "rest"), ports, strict=True)), victim)
    finally:
        victim.kill()


class Log:
    """What was sent where, and what came of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, float, float, BaseException | None]] = []
        self.open: Counter[str] = Counter()

    def counts(self) -> Counter[str]:
        return Counter(url for url, *_ in self.sent)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Notes every request of blocking and awaiting clients."""
    log = Log()

    def note(self: Any, start: float, error: BaseException | None) -> None:
        log.open[self._endpoint.url] -= 1
        log.sent.append((self._endpoint.url, start, time.monotonic(), error))

    def blocking(send: Callable[..., bytes]) -> Callable[..., bytes]:
        def noted(self: Any, *args: Any) -> bytes:
            start = time.monotonic()
            log.open[self._endpoint.url] += 1
            try:
                answer = send(self, *args)
            except BaseException as error:
                note(self, start, error)
                raise
            note(self, start, None)
            return answer

        return noted

    def awaiting(send: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(self: Any, *args: Any) -> bytes:
            start = time.monotonic()
            log.open[self._endpoint.url] += 1
            try:
                answer = await send(self, *args)
            except BaseException as error:
                note(self, start, error)
                raise
            note(self, start, None)
            return answer

        return noted

    for module in (grpc_transport, rest_transport):
        monkeypatch.setattr(module.Transport, "send", blocking(module.Transport.send))
        monkeypatch.setattr(module.AsyncTransport, "send", awaiting(module.AsyncTransport.send))
    return log


def run(client: Any, turns: int = 1) -> np.ndarray:
    return client.predict({"x": [0.5], "turns": turns})["y"]


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_requests_go_to_all_in_turn(servers: Servers, log: Log, protocol: str) -> None:
    """Evenly, one at a time and many at a time."""
    urls = servers.urls(protocol)
    with connect(urls, model="work") as client:
        client.metadata()
        log.sent.clear()
        for _ in range(30):
            np.testing.assert_array_equal(run(client), [1.5])
        assert log.counts() == dict.fromkeys(urls, 10)
        log.sent.clear()
        list(client.predict_many(({"x": [1.0], "turns": 2} for _ in range(60)), concurrency=12))
        # One that does not get on is passed over for a while, but not before it has five.
        assert len(log.sent) == 60
        assert all(log.counts()[url] >= 5 for url in urls), log.counts()


def query(urls: list[str], stop: threading.Event) -> list[float]:
    """Ask until told to stop, several requests at a time."""
    with connect(urls, model="work") as client:
        return [float(answer["y"][0]) for answer in client.predict_many(requests(stop), concurrency=2)]


def query_awaiting(urls: list[str], stop: threading.Event) -> list[float]:
    async def main() -> list[float]:
        async with connect_async(urls, model="work") as client:
            return [float(a["y"][0]) async for a in client.predict_many(requests(stop), concurrency=2)]

    return asyncio.run(main())


def requests(stop: threading.Event) -> Iterator[dict[str, Any]]:
    for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
        yield {"x": [float(number)], "turns": TURNS}


def test_a_server_is_killed(servers: Servers, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """With requests in flight over both protocols: none fails, and it is asked again when it is back."""
    monkeypatch.setattr(peers_module, "_LAST_LEFT_OUT", 4.0)
    gone = [servers.urls(protocol)[1] for protocol in ("grpc", "rest")]

    def since(moment: float, *, gone_only: bool) -> Counter[str]:
        return Counter(url for url, start, *_ in log.sent if start > moment and (url in gone) == gone_only)

    stop = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        answers = [
            pool.submit(ask, servers.urls(protocol), stop)
            for ask in (query, query_awaiting)
            for protocol in ("grpc", "rest")
        ]
        try:
            wait_for(lambda: len(log.sent) > 20 and all(log.open[url] for url in gone), 120)
            killed = time.monotonic()
            servers.victim.kill()
            wait_for(lambda: since(killed, gone_only=False).total() > 40, 120)
            away = list(log.sent)
            servers.victim.start()
            servers.victim.wait()
            back = time.monotonic()
            wait_for(lambda: all(since(back, gone_only=True)[url] > 2 for url in gone), 120)
        finally:
            stop.set()
        for one in answers:
            assert one.result(120) == [number + TURNS for number in range(len(one.result()))]
    lost = {url for url, start, end, error in away if error is not None and start < killed < end}
    assert lost, "no request was in flight when the server was killed"
    assert all(isinstance(error, errors.UnreachableError | None) for *_, error in log.sent)
    # Each of the four clients tries again after 0.37 to 0.5 s, twice that, and so on up to 3 to 4 s.
    seconds = max(start for _, start, *_ in away) - killed
    tries = 4 * (1 + math.log2(1 + seconds / 0.37) + seconds / 3)
    asked = sum(url in gone and start > killed + 0.2 for url, start, *_ in away)
    others = sum(url not in gone and start > killed for url, start, *_ in away)
    assert asked <= max(0.4 * others, tries), "it was not left out"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Host names to addresses, as a name server would tell them."""
    table: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in table:
            return real(host, *args, **kwargs)
        if not table[name]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [entry for address in table[name] for entry in real(address, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


@pytest.mark.parametrize(
    ("protocol", "form"),
    [
        ("grpc", "grpc+dns://models.test:{}"),
        ("grpc", "dns:///models.test:{}"),
        ("rest", "http+dns://models.test:{}"),
    ],
)
def test_every_address_of_a_name_is_a_server(
    servers: Servers,
    log: Log,
    names: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    form: str,
) -> None:
    """They are asked in turn; new ones are found, those that have gone are asked no more."""
    monkeypatch.setattr(peers_module, "LOOK_UP_SECONDS", 0.0)
    names["models.test"] = list(HOSTS[:2])
    urls = servers.urls(protocol)
    with connect(form.format(servers.ports[protocol]), model="work") as client:
        client.metadata()
        log.sent.clear()
        for _ in range(10):
            run(client)
        assert log.counts() == {urls[0]: 5, urls[1]: 5}
        names["models.test"] = list(HOSTS[1:])
        log.sent.clear()
        for _ in range(10):
            run(client)
        assert log.counts() == {urls[1]: 5, urls[2]: 5}
        names["models.test"] = []
        run(client)  # the name server is away: what was known serves
        states = client.status_by_endpoint()
        assert {url: [one.state for one in found] for url, found in states.items()} == {
            urls[1]: ["AVAILABLE"],
            urls[2]: ["AVAILABLE"],
        }


def test_a_name_in_an_event_loop(servers: Servers, log: Log, names: dict[str, list[str]]) -> None:
    """Is looked up there as well."""
    names["models.test"] = list(HOSTS)

    async def main() -> None:
        async with connect_async(f"grpc+dns://models.test:{servers.ports['grpc']}", model="work") as client:
            for _ in range(6):
                await client.predict({"x": [1.0], "turns": 1})

    asyncio.run(main())
    assert len(log.counts()) == 3


def test_a_name_without_addresses(names: dict[str, list[str]]) -> None:
    """Is told in words, after the retries."""
    names["nowhere.test"] = []
    message = r"The name in grpc\+dns://nowhere\.test has no address: Name or service not known\."
    with connect("grpc+dns://nowhere.test", model="m", retry=FAST) as client:
        for ask in (client.status, client.status_by_endpoint):
            with pytest.raises(errors.UnreachableError, match=message):
                ask()


@contextlib.contextmanager
def fakes(protocol: str, count: int = 2) -> Iterator[tuple[list[str], list[Failures]]]:
    start = grpc_server if protocol == "grpc" else rest_server
    scripts = [Failures() for _ in range(count)]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(start(script)) for script in scripts], scripts


BUSY = ("UNAVAILABLE", "The batch scheduling queue is full")


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_refusal_is_tried_elsewhere(protocol: str) -> None:
    """At once and as one of the attempts; a server that answers is not left out."""
    with fakes(protocol) as (urls, (one, other)), connect(urls, model=MODEL, retry=FAST) as client:
        one.script.append(BUSY)
        assert client.status()
        assert (len(one.seen), len(other.seen)) == (1, 1)
        one.script.extend([BUSY, BUSY])
        other.script.extend([BUSY, BUSY])
        with pytest.raises(errors.UnavailableError, match="queue is full"):
            client.status()
        assert len(one.seen) + len(other.seen) == 6
        for _ in range(4):
            client.status()
        assert len(one.seen) == len(other.seen) == 5


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_what_is_wrong_with_a_request_is_wrong_everywhere(protocol: str) -> None:
    """It is not sent elsewhere, nor is anything where retries are off."""
    with fakes(protocol) as (urls, (one, other)):
        with connect(urls, model=MODEL) as client, pytest.raises(errors.NotFoundError):
            client.status(model="none")
        one.script.append(BUSY)
        other.script.append(BUSY)
        with (
            connect(urls, model=MODEL, retry=RetryPolicy(attempts=1)) as client,
            pytest.raises(errors.UnavailableError),
        ):
            client.status()
        assert len(one.seen) + len(other.seen) == 2
        one.script.clear()
        other.script.clear()


def test_one_of_many_is_there() -> None:
    """The first request finds it, whatever the number of attempts."""
    with (
        closed_ports(7) as ports,
        fakes("grpc", 1) as (urls, _),
        connect([*(gone := [f"grpc://127.0.0.1:{port}" for port in ports]), *urls], model=MODEL) as client,
    ):
        assert client.status()
        states = client.status_by_endpoint()
        assert [one.version for one in states.pop(urls[0])] == [3, 2]
        assert list(states) == gone
        for url, error in states.items():
            assert isinstance(error, errors.UnreachableError)
            assert str(error).startswith(f"{url} cannot be reached")
        assert client.wait_until_ready(timeout=60).version == 3


@contextlib.contextmanager
def closed_ports(count: int) -> Iterator[list[int]]:
    """Ports that are taken but not listened on: connections are refused, and nobody else gets them."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield [one.getsockname()[1] for one in sockets]


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_none_of_many_is_there(scheme: str) -> None:
    """Each is named, once, whatever the number of attempts."""
    with (
        closed_ports(3) as ports,
        connect(
            gone := [f"{scheme}://127.0.0.1:{port}" for port in ports], model=MODEL, retry=FAST
        ) as client,
        pytest.raises(errors.UnreachableError) as caught,
    ):
        client.status()
    text = str(caught.value)
    assert text.startswith("None of 3 servers can be reached: ")
    assert sorted(re.findall(r"(\S+) cannot be reached", text)) == sorted(gone)
    assert text.count("refused") == 3


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_dead_address_of_a_name(names: dict[str, list[str]], protocol: str) -> None:
    """Costs no request; the others answer."""
    with fakes(protocol, 1) as ((url,), _):
        scheme, _, place = url.partition("://")
        names["models.test"] = ["127.0.0.9", "127.0.0.1", "127.0.0.8"]
        port = place.rpartition(":")[2]
        with connect(f"{scheme}+dns://models.test:{port}", model=MODEL, timeout=60) as client:
            for _ in range(6):
                assert client.status()


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_that_takes_connections_and_never_answers(protocol: str) -> None:
    """Is left out after the first request at the latest."""
    with fakes(protocol, 1) as ((url,), (there,)), mute() as port:
        silent = f"{url.partition('://')[0]}://127.0.0.1:{port}"
        with connect([silent, url], model=MODEL, timeout=20) as client:
            failed = 0
            for _ in range(8):
                try:
                    assert client.status(timeout=2 if protocol == "rest" and not failed else 20)
                except errors.DeadlineExceededError:
                    failed += 1
            assert failed == (protocol == "rest")
        assert len(there.seen) == 8 - failed


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_that_hangs(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers nothing until the deadline: it is left out, and tried again later."""
    passed = [0.0]
    clock = types.SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(peers_module, "time", clock)
    monkeypatch.setattr(peers_module, "_FIRST_LEFT_OUT", 600.0)
    monkeypatch.setattr(peers_module, "_LAST_LEFT_OUT", 600.0)
    with fakes(protocol) as (urls, (one, other)), connect(urls, model=MODEL) as client:
        client.status()
        client.status()
        one.script.append(30)
        with pytest.raises(errors.DeadlineExceededError):
            client.status(timeout=2)
        for _ in range(6):
            client.status()
        assert (len(one.seen), len(other.seen)) == (2, 7)
        one.released.set()
        passed[0] = 600.0
        wait_for(lambda: bool(client.status()) and len(one.seen) > 2)


def test_a_slow_request_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers others meanwhile gets its turns."""
    peers = Peers([parse("grpc://a"), parse("grpc://b")])
    peer = peers.choose()
    sent = time.monotonic()
    peers.reached(peer)
    peers.unanswered(peer, sent)
    assert peer.out_until == 0
    peers.unanswered(peer, time.monotonic() + 1)
    assert peer.out_until > 0


def test_ready_means_all_that_are_there() -> None:
    """One server without the model is waited for."""
    with fakes("grpc") as (urls, (one, _)), connect(urls, model=MODEL) as client:
        one.script.append(("NOT_FOUND", "Could not find any versions of model upscaler"))
        assert client.wait_until_ready(timeout=60).version == 3
        assert len(one.seen) == 2
        with pytest.raises(errors.DeadlineExceededError, match=rf"{urls[0]}: .*; {urls[1]}: "):
            client.wait_until_ready(model="none", timeout=2)


def test_a_reload_goes_to_all() -> None:
    """Also where one refuses, which is named."""
    config = "model_config_list {}"
    with fakes("grpc") as (urls, (one, other)), connect(urls, model=MODEL, retry=FAST) as client:
        client.reload(config)
        assert len(one.reloaded) == len(other.reloaded) == 1
        one.script.append(("INVALID_ARGUMENT", "no such folder"))
        other.script.append(BUSY)
        with pytest.raises(errors.InvalidRequestError, match=f"^{urls[0]}: no such folder"):
            client.reload(config)
        assert (len(one.reloaded), len(other.reloaded)) == (1, 2)


@pytest.mark.parametrize("form", ["list", "name"])
@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_tls_is_that_of_each(tmp_path: Path, names: dict[str, list[str]], protocol: str, form: str) -> None:
    """The authority holds for each server; at the addresses of a name certificates are for the name."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost" if form == "list" else "models.test")
    key, chain, ca = (tmp_path / name for name in ("key.pem", "chain.pem", "ca.pem"))
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(ca)
    failures = Failures()
    with contextlib.ExitStack() as stack:
        if protocol == "grpc":
            credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
            urls = [stack.enter_context(grpc_server(failures, credentials=credentials)) for _ in range(2)]
        else:
            tls = {"ssl_keyfile": key, "ssl_certfile": chain}
            urls = [stack.enter_context(rest_server(failures, tls=tls)) for _ in range(2)]
        target: Any = urls
        if form == "name":
            names["models.test"] = ["127.0.0.1"]
            scheme, _, port = urls[0].partition("://localhost:")
            target = f"{scheme}+dns://models.test:{port}"
        with connect(target, model=MODEL, tls=TLS(ca=ca)) as client:
            for _ in range(4):
                assert client.status()
        with (
            connect(target, model=MODEL, retry=FAST) as client,
            pytest.raises(errors.UnreachableError, match="cannot be reached"),
        ):
            client.status()


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        ([], "url must name at least one server; received an empty list"),
        (["grpc://a", "http://b"], r"speak one protocol, gRPC or REST; received grpc://a, http://b\."),
        (["grpc://a", "grpc://a:8500"], r"name each server once; received 'grpc://a:8500' twice"),
        (["grpc://a", None], r"url must be .*; received a NoneType\."),
        (["grpc://a", "ftp://b"], r"url must be .*; received 'ftp://b'"),
        ("ftp+dns://b", r"url must be .*; received 'ftp\+dns://b'"),
        ("dns:///", r"url must be .*; received"),
        ("grpc+dns://b/path", "A gRPC url has no path"),
    ],
)
def test_lists_that_cannot_be(urls: Any, message: str) -> None:
    """Each says why."""
    for make in (connect, connect_async):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            make(urls)


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
