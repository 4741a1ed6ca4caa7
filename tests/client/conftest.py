"""Servers over both protocols: the embedded one, a fake one that fails on demand, and names for them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from client.fakes import saved_model
from client.fakes.fake_grpc import grpc_server
from client.fakes.fake_model import MODEL, Failures
from client.fakes.fake_rest import rest_server

from tfdeconv.client import Client, RetryPolicy, connect
from tfdeconv.serving import Server

FAST = RetryPolicy(first_delay=0.001, max_delay=0.002)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with version 3 of the model."""
    folder = tmp_path_factory.mktemp("models")
    saved_model.write(folder / "3")
    return folder


@pytest.fixture(scope="session")
def embedded_server(model_folder: Path) -> Iterator[Server]:
    """The package's own server, with version 3 of the model."""
    with Server(model_base_path=model_folder, model_name=MODEL, grpc_port=0, rest_port=0) as server:
        yield server


@pytest.fixture(scope="session")
def shared_failures() -> Failures:
    """The script that both fake servers follow."""
    return Failures()


@pytest.fixture(scope="session")
def fake_urls(shared_failures: Failures) -> Iterator[dict[str, str]]:
    """Protocol to URL of the fake server."""
    with ExitStack() as stack:
        yield {
            "grpc": stack.enter_context(grpc_server(shared_failures)),
            "rest": stack.enter_context(rest_server(shared_failures)),
        }


@pytest.fixture
def failures(shared_failures: Failures) -> Iterator[Failures]:
    """What the fake server is to do wrong; nothing is left over before and after the test."""
    shared_failures.seen.clear()
    shared_failures.reloaded.clear()
    shared_failures.released.clear()
    yield shared_failures
    shared_failures.released.set()
    shared_failures.hidden.clear()
    assert not shared_failures.script, "the test wrote failures that no request met"


@pytest.fixture(params=["grpc", "rest"])
def fake_url(request: pytest.FixtureRequest, fake_urls: dict[str, str]) -> str:
    """URL of the fake server over each protocol."""
    return fake_urls[request.param]


@pytest.fixture(params=["fake-grpc", "fake-rest", "embedded-grpc", "embedded-rest"])
def url(request: pytest.FixtureRequest, fake_urls: dict[str, str], embedded_server: Server) -> str:
    """URL of each server over each protocol."""
    kind, protocol = request.param.split("-")
    if kind == "fake":
        return fake_urls[protocol]
    return embedded_server.grpc_url if protocol == "grpc" else embedded_server.rest_url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of each server over each protocol."""
    with connect(url, model=MODEL, timeout=60) as client:
        yield client


@pytest.fixture
def fake_client(fake_url: str) -> Iterator[Client]:
    """A client of the fake server over each protocol, which retries without waiting long."""
    with connect(fake_url, model=MODEL, retry=FAST, timeout=60) as client:
        yield client


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
