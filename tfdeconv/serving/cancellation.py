"""Whether anybody still waits for the answer that a thread works on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from tfdeconv.errors import CancelledError, DeadlineExceededError


class Cancellation:
    """Set by whoever received a request, looked at by the work between its steps.

    Args:
        seconds: Time until the caller's deadline. Defaults to none.

    Example:
        >>> cancellation = Cancellation()
        >>> cancellation.cancel()
        >>> cancellation.check()
        Traceback (most recent call last):
        tfdeconv.errors.CancelledError: The client has given the request up
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._cancelled = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def cancel(self) -> None:
        """Say that nobody waits any longer."""
        self._cancelled.set()
        while True:
            try:  # another thread may have taken the last one
                callback = self._callbacks.pop()
            except IndexError:
                return
            callback()

    def time_remaining(self) -> float | None:
        """Return the seconds until the caller's deadline, 0 or less when it has passed, None without one."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once nobody waits any longer; at once if that is so already."""
        self._callbacks.append(callback)
        if self._cancelled.is_set():
            self.cancel()

    def check(self) -> None:
        """Go on only if somebody waits.

        Raises:
            CancelledError: The client is gone.
            DeadlineExceededError: Its deadline has passed.
        """
        if self._cancelled.is_set():
            raise CancelledError("The client has given the request up")
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise DeadlineExceededError("The deadline passed before the request was answered")


_CURRENT: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextlib.contextmanager
def working_for(cancellation: Cancellation) -> Iterator[None]:
    """Let ``current`` return ``cancellation`` in this thread while the block runs."""
    token = _CURRENT.set(cancellation)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Cancellation:
    """Return the cancellation of the request that this thread works on; one that is never set without any."""
    return _CURRENT.get() or Cancellation()


def check() -> None:
    """Go on only if somebody waits for what this thread does; see ``Cancellation.check``."""
    cancellation = _CURRENT.get()
    if cancellation is not None:
        cancellation.check()
