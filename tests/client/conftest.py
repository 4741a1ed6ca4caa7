"""Servers to query: the fake one over both protocols."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from client.fake_serving import MODEL, Failures, grpc_server, rest_server

from tfdeconv.client import Client, RetryPolicy, connect

FAST = RetryPolicy(first_delay=0.001, max_delay=0.002)


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
    """The script, empty again before and after the test."""
    shared_failures.seen.clear()
    shared_failures.released.clear()
    yield shared_failures
    shared_failures.released.set()
    assert not shared_failures.script, "the test wrote failures that no request met"


@pytest.fixture(params=["grpc", "rest"])
def url(request: pytest.FixtureRequest, fake_urls: dict[str, str]) -> str:
    """URL of the fake server over each protocol."""
    return fake_urls[request.param]


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of the fake server over each protocol, which retries without waiting long."""
    with connect(url, model=MODEL, retry=FAST, timeout=20) as client:
        yield client
