"""The client's logic without I/O, and the two drivers that give it some.

A flow is a generator that yields what it needs done (a :data:`Wish`) and is resumed with the answer, or with
the exception that came instead. Logic is so written once; :func:`run` drives it over blocking transports and
:func:`run_async` over awaiting ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from tfdeconv.client.endpoint import Endpoint
from tfdeconv.client.exchange.many import Progress, map_tasks, map_threads
from tfdeconv.client.exchange.transports import Transports, addresses
from tfdeconv.errors import DeadlineExceededError

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, ready to send.

    Attributes:
        path: gRPC method or URL path, from the server's root.
        body: The payload; ``None`` asks for a GET over HTTP.
        read: Turns the payload of a successful answer into the result.
    """

    path: str
    body: bytes | None
    read: Callable[[bytes], T]


@dataclass(frozen=True)
class Send:
    """Send the call to a server and answer with the payload of the reply, within ``timeout`` seconds."""

    call: Call[Any]
    timeout: float | None
    endpoint: Endpoint


@dataclass(frozen=True)
class Sleep:
    """Let ``seconds`` pass."""

    seconds: float


@dataclass(frozen=True)
class LookUp:
    """Answer with the IP addresses of a host."""

    host: str


@dataclass(frozen=True)
class Drop:
    """Release the connections to a server that is gone."""

    endpoint: Endpoint


@dataclass(frozen=True)
class Together:
    """Run a flow of each item, ``concurrency`` at a time, and give the results to ``take`` in order."""

    flow: Callable[[Any], Flow[Any]]
    items: Iterable[Any]
    concurrency: int
    take: Callable[[Any], object]
    progress: Progress | None = None


Wish: TypeAlias = Send | Sleep | LookUp | Drop | Together
Flow: TypeAlias = Generator[Wish, Any, T]


class Transport(Protocol):
    """Blocking I/O over the connections to one server; failures are classes of tfdeconv.errors."""

    def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the payload of a successful reply."""

    def close(self) -> None:
        """Release the connections."""


class AsyncTransport(Protocol):
    """Awaiting I/O over the connections to one server; failures are classes of tfdeconv.errors."""

    async def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the payload of a successful reply."""

    async def close(self) -> None:
        """Release the connections."""


def run(flow: Flow[T], transports: Transports[Transport]) -> T:
    """Run a flow to its end in this thread."""
    try:
        wish = next(flow)
        while True:
            try:
                answer = _grant(wish, transports)
            except Exception as error:
                wish = flow.throw(error)
            else:
                wish = flow.send(answer)
    except StopIteration as end:
        return end.value
    finally:
        flow.close()  # where the caller was interrupted


def _grant(wish: Wish, transports: Transports[Transport]) -> Any:
    match wish:
        case Send():
            return transports.of(wish.endpoint).send(wish.call, wish.timeout)
        case Sleep():
            time.sleep(wish.seconds)
        case LookUp():
            return addresses(socket.getaddrinfo(wish.host, None, type=socket.SOCK_STREAM))
        case Drop():
            if gone := transports.pop(wish.endpoint):
                gone.close()
        case Together():
            flow = wish.flow
            for answer in map_threads(
                lambda item: run(flow(item), transports), wish.items, wish.concurrency, wish.progress
            ):
                wish.take(answer)
    return None


async def run_async(flow: Flow[T], transports: Transports[AsyncTransport]) -> T:
    """Run a flow to its end in the running event loop."""
    try:
        wish = next(flow)
        while True:
            try:
                answer = await _grant_async(wish, transports)
            except Exception as error:
                wish = flow.throw(error)
            else:
                wish = flow.send(answer)
    except StopIteration as end:
        return end.value
    finally:
        flow.close()


async def _grant_async(wish: Wish, transports: Transports[AsyncTransport]) -> Any:
    match wish:
        case Send():
            return await transports.of(wish.endpoint).send(wish.call, wish.timeout)
        case Sleep():
            await asyncio.sleep(wish.seconds)
        case LookUp():
            loop = asyncio.get_running_loop()
            return addresses(await loop.getaddrinfo(wish.host, None, type=socket.SOCK_STREAM))
        case Drop():
            if gone := transports.pop(wish.endpoint):
                await gone.close()
        case Together():
            flow = wish.flow
            async with contextlib.aclosing(
                map_tasks(
                    lambda item: run_async(flow(item), transports),
                    wish.items,
                    wish.concurrency,
                    wish.progress,
                )
            ) as answers:
                async for answer in answers:
                    wish.take(answer)
    return None


class Deadline:
    """A point in time that a whole operation, retries included, must not pass."""

    def __init__(self, timeout: float) -> None:
        """Start the clock; ``math.inf`` sets no limit."""
        self.timeout = timeout
        self._end = time.monotonic() + timeout

    def remaining(self) -> float | None:
        """Return the seconds left, or ``None`` without a limit.

        Raises:
            DeadlineExceededError: None are left.
        """
        if self.timeout == math.inf:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise DeadlineExceededError(f"No answer within {self.timeout:g} s.")
        return left

    def allows(self, pause: float) -> bool:
        """Return whether a pause of so many seconds ends before the deadline."""
        return time.monotonic() + pause < self._end
