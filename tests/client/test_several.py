"""One client of several servers: in turn, around one that is killed, and at every address of a name."""

import asyncio
import dataclasses
import itertools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from serving_waits import free_port, wait_for

from tfdeconv import errors
from tfdeconv.client import connect, connect_async
from tfdeconv.client.exchange import peers as peers_module
from tfdeconv.client.grpc import transport as grpc_transport
from tfdeconv.client.rest import transport as rest_transport
from tfdeconv.serving import Server

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
