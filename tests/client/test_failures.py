"""Servers that refuse, hang, break off or answer nonsense: the same exceptions over both protocols."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from client.fakes.fake_model import MODEL, Failures
from client.fakes.raw_server import raw_server

from tfdeconv import errors
from tfdeconv.client import Client, RetryPolicy, connect, connect_async

IMAGE = np.zeros((1, 1, 1, 3), np.float32)
ONCE = RetryPolicy(attempts=1)

CODES = [
    ("CANCELLED", errors.CancelledError),
    ("INVALID_ARGUMENT", errors.InvalidRequestError),
    ("DEADLINE_EXCEEDED", errors.DeadlineExceededError),
    ("NOT_FOUND", errors.NotFoundError),
    ("PERMISSION_DENIED", errors.PermissionDeniedError),
    ("UNAUTHENTICATED", errors.UnauthenticatedError),
    ("RESOURCE_EXHAUSTED", errors.ResourceExhaustedError),
    ("ABORTED", errors.AbortedError),
    ("UNIMPLEMENTED", errors.UnimplementedError),
    ("INTERNAL", errors.InternalError),
    ("UNAVAILABLE", errors.UnavailableError),
]


@pytest.mark.parametrize(("code", "error"), CODES)
def test_codes_become_exceptions(
    fake_url: str, failures: Failures, code: str, error: type[errors.ServingError]
) -> None:
    """Of the same class, with the server's message, over gRPC and REST."""
    failures.script.append((code, f"because of {code}"))
    with (
        connect(fake_url, model=MODEL, retry=ONCE) as client,
        pytest.raises(errors.ServingError) as caught,
    ):
        client.status()
    assert type(caught.value) is error
    assert str(caught.value) == f"because of {code}"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (405, errors.UnimplementedError),
        (408, errors.DeadlineExceededError),
        (413, errors.ResourceExhaustedError),
        (418, errors.InternalError),
        (302, errors.InternalError),
        (502, errors.UnavailableError),
    ],
)
def test_what_proxies_answer(status: int, error: type[Exception]) -> None:
    """HTTP statuses that TensorFlow Serving itself never sends."""
    with (
        raw_server([b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status]) as url,
        connect(url, model=MODEL, retry=ONCE) as client,
        pytest.raises(error, match=f"The server answered with HTTP status {status}"),
    ):
        client.status()


def test_a_failed_precondition_is_told_apart_over_rest(fake_client: Client, failures: Failures) -> None:
    """HTTP has 400 for it as for a bad argument; the message decides."""
    message = "Tensors with name 'x:0' from different tasks have different shapes and padding is turned off."
    fake_client.metadata()
    failures.script.append(("FAILED_PRECONDITION", message))
    with pytest.raises(errors.FailedPreconditionError, match="padding is turned off"):
        fake_client.predict(IMAGE)


def test_a_refused_request_says_what_the_signature_takes(fake_client: Client, failures: Failures) -> None:
    """The server's message, then the signature and the shapes sent."""
    fake_client.metadata()
    failures.script.append(("INVALID_ARGUMENT", "Depth must be 3."))
    with pytest.raises(errors.InvalidRequestError) as caught:
        fake_client.predict(IMAGE)
    assert str(caught.value) == (
        "Depth must be 3. (Signature 'serving_default' takes image: float32 [?, ?, ?, 3]; "
        "shapes sent: image [1, 1, 1, 3].)"
    )


def test_unavailable_is_tried_again(fake_client: Client, failures: Failures) -> None:
    """Three times by default, then the answer is as if nothing had happened."""
    failures.script.extend([("UNAVAILABLE", "busy")] * 3)
    assert fake_client.status()[0].version == 3
    assert len(failures.seen) == 4


def test_unavailable_is_raised_when_the_attempts_are_used_up(fake_client: Client, failures: Failures) -> None:
    """With the server's message."""
    failures.script.extend([("UNAVAILABLE", "busy")] * 4)
    with pytest.raises(errors.UnavailableError, match=r"^busy$"):
        fake_client.status()


@pytest.mark.parametrize("code", [code for code, _ in CODES if code != "UNAVAILABLE"])
def test_nothing_else_is_tried_again(fake_client: Client, failures: Failures, code: str) -> None:
    """One failure, one request."""
    failures.script.append((code, "no"))
    with pytest.raises(errors.ServingError):
        fake_client.status()
    assert len(failures.seen) == 1


def test_awaiting_retries_too(fake_url: str, failures: Failures) -> None:
    """The same policy."""
    failures.script.extend([("UNAVAILABLE", "busy")] * 2)

    async def main() -> None:
        retry = RetryPolicy(first_delay=0.001)
        async with connect_async(fake_url, model=MODEL, retry=retry) as client:
            assert (await client.status())[0].version == 3

    asyncio.run(main())
    assert len(failures.seen) == 3


def test_a_pause_that_would_pass_the_deadline_is_not_made(fake_url: str, failures: Failures) -> None:
    """The failure is raised at once instead."""
    failures.script.append(("UNAVAILABLE", "busy"))
    start = time.monotonic()
    with (
        connect(
            fake_url, model=MODEL, timeout=50, retry=RetryPolicy(first_delay=600, max_delay=600)
        ) as client,
        pytest.raises(errors.UnavailableError, match="busy"),
    ):
        client.status()
    assert time.monotonic() - start < 25


def test_slow_answers(fake_client: Client, failures: Failures) -> None:
    """Waiting ends at the deadline; the connection serves the next request."""
    failures.script.append(30)
    with pytest.raises(errors.DeadlineExceededError, match=r"No answer from \w+://127.* within [\d.]+ s"):
        fake_client.status(timeout=1)
    failures.released.set()
    assert fake_client.status()


def test_slow_answers_awaited(fake_url: str, failures: Failures) -> None:
    """The same."""
    failures.script.append(30)

    async def main() -> None:
        async with connect_async(fake_url, model=MODEL) as client:
            with pytest.raises(errors.DeadlineExceededError, match="No answer from"):
                await client.status(timeout=1)

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_no_server(scheme: str) -> None:
    """The message names the URL and the reason."""
    with socket.socket() as closed:  # bound but not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}"
        with connect(url, model=MODEL, retry=ONCE) as client:
            with pytest.raises(
                errors.UnavailableError,
                match=rf"^{url} cannot be reached: .*refused.* Is the server",
            ):
                client.status()
            with pytest.raises(errors.DeadlineExceededError, match=r"was not ready within 1 s: .*refused"):
                client.wait_until_ready(timeout=1)


def test_a_model_that_does_not_become_ready(fake_client: Client) -> None:
    """The message says what was seen."""
    with pytest.raises(
        errors.DeadlineExceededError,
        match=r"Model 'm' was not ready within 1 s: Could not find any versions of model m",
    ):
        fake_client.wait_until_ready(model="m", timeout=1)
    with pytest.raises(
        errors.DeadlineExceededError, match=r"within 1 s: version 2 is END \(INTERNAL: out of memory\)"
    ):
        fake_client.wait_until_ready(version=2, timeout=1)


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        (
            "truncated json",
            errors.InternalError,
            "answer to /v1/models/upscaler is not the document",
        ),
        ("wrong document", errors.InternalError, r"\(KeyError: 'model_version_status'\)"),
        ("html 502", errors.UnavailableError, "^<h1>Bad gateway</h1>$"),
    ],
)
def test_bodies_that_are_not_answers(
    fake_urls: dict[str, str], failures: Failures, entry: str, error: type[Exception], message: str
) -> None:
    """What a broken server or a proxy sends over HTTP."""
    failures.script.append(entry)
    with (
        connect(fake_urls["rest"], model=MODEL, retry=ONCE) as client,
        pytest.raises(error, match=message),
    ):
        client.status()


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
def test_a_body_nested_too_deeply(status: bytes) -> None:
    """A body that no parser can follow is an error of the library's own, too."""
    body = b"[" * 100_000
    head = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        raw_server([head + body]) as url,
        connect(url, model=MODEL, retry=ONCE) as client,
        pytest.raises(errors.ServingError, match=r"RecursionError|^\[{300}$"),
    ):
        client.status()


OK_STATUS = b'{"model_version_status": []}'


def test_a_body_that_breaks_off_is_tried_again() -> None:
    """Fewer bytes than announced mean that the connection broke, not that the answer was wrong."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(OK_STATUS)
    with (
        raw_server([head + OK_STATUS[:10], head + OK_STATUS]) as url,
        connect(url, model=MODEL, retry=RetryPolicy(first_delay=0.001)) as client,
    ):
        assert client.status() == []


def test_a_body_that_always_breaks_off() -> None:
    """Is an unavailable server."""
    with (
        raw_server([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"]) as url,
        connect(url, model=MODEL, retry=ONCE) as client,
        pytest.raises(errors.UnavailableError, match=f"{url} cannot be reached: peer closed"),
    ):
        client.status()


def drops(stop: threading.Event) -> Iterator[bytes]:
    """An answer of which a byte comes every few milliseconds, for ever."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    while not stop.wait(0.02):
        yield b" "


@pytest.mark.parametrize("awaiting", [False, True], ids=["blocking", "awaiting"])
def test_a_body_that_drips(awaiting: bool) -> None:
    """The deadline is for the whole answer, not for each part of it."""
    stop = threading.Event()

    async def ask(url: str) -> None:
        async with connect_async(url, model=MODEL) as client:
            await client.status(timeout=1)

    start = time.monotonic()
    with raw_server([drops(stop)]) as url:
        with pytest.raises(errors.DeadlineExceededError, match="No answer from"):
            if awaiting:
                asyncio.run(ask(url))
            else:
                with connect(url, model=MODEL) as client:
                    client.status(timeout=1)
        stop.set()
    assert time.monotonic() - start < 30


def test_a_packed_body_that_does_not_unpack() -> None:
    """Is an answer that cannot be read."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    with (
        raw_server([answer]) as url,
        connect(url, model=MODEL, compression="gzip") as client,
        pytest.raises(errors.InternalError, match=f"The answer of {url} cannot be unpacked"),
    ):
        client.status()


def test_the_port_of_the_other_protocol(fake_urls: dict[str, str]) -> None:
    """Says that the server cannot be reached in this way."""
    grpc_at_rest = fake_urls["rest"].replace("http://", "grpc://")
    rest_at_grpc = fake_urls["grpc"].replace("grpc://", "http://")
    for url in (grpc_at_rest, rest_at_grpc):
        with (
            connect(url, model=MODEL, retry=ONCE, timeout=60) as client,
            pytest.raises(errors.UnavailableError, match=f"^{url} cannot be reached"),
        ):
            client.status()
