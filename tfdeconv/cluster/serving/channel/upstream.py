"""One replica, as an edge sees it."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tfdeconv.cluster.serving.channel import frames, greeting
from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.cluster.serving.channel.listener import PING
from tfdeconv.errors import CancelledError, DeadlineExceededError

_LOG = logging.getLogger("tfdeconv.serving")
_PING_SECONDS = 1.0
_LOST_SECONDS = 5.0
"""A replica that has not answered a ping for so long is lost: its machine, its network or itself."""


class NotSentError(OSError):
    """The replica cannot have seen the request."""


class Upstream:
    """Connections to a replica, and a thread that knows whether it is there.

    Args:
        address: Where it listens.
        tell: Is called with it when it comes or goes.

    Attributes:
        usable: Whether it takes requests.
        running: Requests of this edge that are under way there; who sends them counts.
    """

    def __init__(self, address: Address, tell: Callable[[Upstream], None]) -> None:
        self.address = address
        self.usable = False
        self.running = 0
        self._tell = tell
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._busy: set[socket.socket] = set()
        self._wake = threading.Event()
        self._retired = False
        threading.Thread(target=self._watch, name="tfdeconv-upstream", daemon=True).start()

    def connection(self) -> socket.socket:
        """Return a connection for one request.

        Raises:
            NotSentError: None can be made.
        """
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not frames.ended(connection):
                    self._busy.add(connection)
                    return connection
                connection.close()
        try:
            connection = greeting.connect(self.address)
        except OSError as error:
            self.suspect()
            raise NotSentError(str(error)) from None
        with self._lock:
            self._busy.add(connection)
        return connection

    def done(self, connection: socket.socket, *, whole: bool) -> None:
        """Take a connection back, whose answer has come ``whole`` or not."""
        with self._lock:
            self._busy.discard(connection)
            if whole and not self._retired:
                self._idle.append(connection)
                return
        connection.close()

    def suspect(self) -> None:
        """Send nothing there before the next ping is answered."""
        self.usable = False
        self._wake.set()

    def retire(self) -> None:
        """Make no more connections; requests under way may finish."""
        self._retired = True
        self._wake.set()

    def _watch(self) -> None:
        """Ping for as long as the replica may be there or anything is under way."""
        while not self._retired:
            try:
                with greeting.connect(self.address) as connection:
                    connection.settimeout(_LOST_SECONDS)
                    self._ping(connection)
            except (OSError, ValueError) as error:
                _LOG.info("No answer from the replica at %s: %s", self.address.host, error)
            self._lose()
            self._wake.wait(_PING_SECONDS)
            self._wake.clear()
        self._lose()

    def _ping(self, connection: socket.socket) -> None:
        while not self._retired or self._busy:
            frames.send(connection, [PING])
            here = frames.receive(connection)[0] == [PING]
            if here != self.usable:
                self.usable = here
                self._tell(self)
            self._wake.wait(_PING_SECONDS)
            self._wake.clear()

    def _lose(self) -> None:
        """Break off what is under way: somebody else may answer it."""
        with self._lock:
            idle, self._idle = self._idle, []
            for connection in self._busy:
                frames.shut(connection)
        for connection in idle:
            connection.close()
        self.usable = False
        self._tell(self)


class Exchange:
    """One request, and who cancels it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._over = False
        self._cancelled = False

    def run(self, upstream: Upstream, head: Sequence[Any], body: bytes) -> tuple[list[Any], bytes]:
        """Return what a replica answers.

        Raises:
            NotSentError: It cannot have seen the request.
            OSError: It is gone, or the caller.
        """
        connection = upstream.connection()
        with self._lock:
            self._connection = connection
            cancelled = self._cancelled
        whole = False
        try:
            if cancelled:
                raise ConnectionAbortedError("The caller is gone")
            frames.send(connection, head, body)
            answer = frames.receive(connection)
            whole = True
            return answer
        finally:
            with self._lock:
                self._connection = None
                whole = whole and not self._cancelled
            upstream.done(connection, whole=whole)
            if not whole and not self._cancelled:
                upstream.suspect()

    def cancel(self) -> bool:
        """Break off; return whether the request was under way."""
        with self._lock:
            if self._over:
                return False
            self._cancelled = True
            if self._connection is not None:
                frames.shut(self._connection)
            return True

    def finish(self) -> None:
        """Say that nothing is left to break off: callers call back at any end."""
        with self._lock:
            self._over = True

    def check(self, deadline: float | None) -> None:
        """Go on only if somebody waits.

        Raises:
            CancelledError: The caller is gone.
            DeadlineExceededError: The deadline has passed.
        """
        if deadline is not None and time.monotonic() >= deadline:
            raise DeadlineExceededError("The deadline passed before the request was answered")
        if self._cancelled:
            raise CancelledError("The client has given the request up")
