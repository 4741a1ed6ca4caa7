"""What one client of several servers does when one of them refuses, hangs or is not there."""

import contextlib
import re
import socket
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from client.fakes.fake_grpc import grpc_server
from client.fakes.fake_model import MODEL, Failures
from client.fakes.fake_rest import rest_server
from serving_waits import wait_for

from tfdeconv import errors
from tfdeconv.client import TLS, RetryPolicy, connect, connect_async
from tfdeconv.client.exchange import peers as peers_module

FAST = RetryPolicy(first_delay=0.001, max_delay=0.002)


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
