"""The client's logic without I/O, and the two drivers that give it some.

A flow is a generator that yields what it needs done (:class:`Send`, :class:`Sleep`) and is resumed with the
answer, or with the exception that came instead. Logic is so written once; :func:`run` drives it
over a blocking transport and :func:`run_async` over an awaiting one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

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
    """Send the call and answer with the payload of the reply, within ``timeout`` seconds if given."""

    call: Call[Any]
    timeout: float | None


@dataclass(frozen=True)
class Sleep:
    """Let ``seconds`` pass."""

    seconds: float


Flow: TypeAlias = Generator[Send | Sleep, Any, T]


class Transport(Protocol):
    """Blocking I/O over one connection (or pool); failures are classes of tfdeconv.errors."""

    def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the payload of a successful reply."""

    def close(self) -> None:
        """Release the connections."""


class AsyncTransport(Protocol):
    """Awaiting I/O over one connection (or pool); failures are classes of tfdeconv.errors."""

    async def send(self, call: Call[Any], timeout: float | None) -> bytes:
        """Return the payload of a successful reply."""

    async def close(self) -> None:
        """Release the connections."""


def run(flow: Flow[T], transport: Transport) -> T:
    """Run a flow to its end in this thread."""
    try:
        wish = next(flow)
        while True:
            try:
                answer = None
                if isinstance(wish, Send):
                    answer = transport.send(wish.call, wish.timeout)
                else:
                    time.sleep(wish.seconds)
            except Exception as error:
                wish = flow.throw(error)
            else:
                wish = flow.send(answer)
    except StopIteration as end:
        return end.value


async def run_async(flow: Flow[T], transport: AsyncTransport) -> T:
    """Run a flow to its end in the running event loop."""
    try:
        wish = next(flow)
        while True:
            try:
                answer = None
                if isinstance(wish, Send):
                    answer = await transport.send(wish.call, wish.timeout)
                else:
                    await asyncio.sleep(wish.seconds)
            except Exception as error:
                wish = flow.throw(error)
            else:
                wish = flow.send(answer)
    except StopIteration as end:
        return end.value


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
