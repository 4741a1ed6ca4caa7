"""The replica's end: a thread for each connection, which answers one request after the other."""

from __future__ import annotations

import contextlib
import errno
import logging
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfdeconv.cluster.serving.channel import frames, greeting
from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.serving.cancellation import Cancellation

_LOG = logging.getLogger("tfdeconv.serving")
_BACKLOG = 512
_PAUSE_SECONDS = 0.05
PING, DRAINING = "ping", "draining"
Answer = Callable[[Sequence[Any], bytes, Cancellation], tuple[Sequence[Any], bytes]]


class Listener:
    """Listens on one address of this node.

    Args:
        answer: Returns head and body of the answer to a request's head and body; must not raise. Its
            cancellation is set when the edge gives the request up.
        host: The address.
        threads: Requests answered at the same time; others wait.
    """

    def __init__(self, answer: Answer, *, host: str, threads: int) -> None:
        self._answer = answer
        self._places = threading.BoundedSemaphore(threads)
        self._changed = threading.Condition()
        self._connections: dict[int, _Connection] = {}
        self._draining = False
        self.running = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family, backlog=_BACKLOG)
        self.address = Address(host, self._socket.getsockname()[1], secrets.token_bytes(32))
        self._hangups = select.epoll()
        for target in (self._accept, self._watch):
            threading.Thread(target=target, name="tfdeconv-channel", daemon=True).start()

    def stop(self, seconds: float) -> None:
        """Take no more requests, let running ones finish for ``seconds``, and close."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._draining = True
            self._changed.wait_for(lambda: not self.running, max(0.0, deadline - time.monotonic()))
            connections = list(self._connections.values())
        frames.shut(self._socket)
        for connection in connections:
            frames.shut(connection.socket)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.EBADF):  # shut
                    self._socket.close()
                    return
                # accept(2): one that has ended already, or there are too many files, or too little memory
                _LOG.warning("A connection cannot be accepted: %s", error)
                time.sleep(_PAUSE_SECONDS)
                continue
            threading.Thread(target=self._serve, args=(raw,), name="tfdeconv-replica", daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            accepted = greeting.accept(raw, self.address.key)
        except (OSError, ValueError) as error:
            _LOG.warning("A connection was refused: %s", error)
            return
        with accepted, contextlib.suppress(OSError):
            connection = _Connection(accepted)
            number = accepted.fileno()
            with self._changed:
                self._connections[number] = connection
            try:
                self._hangups.register(number, select.EPOLLRDHUP | select.EPOLLET)
                while True:
                    self._exchange(connection, *frames.receive(accepted))
            finally:
                with self._changed:
                    del self._connections[number]

    def _exchange(self, connection: _Connection, head: list[Any], body: bytes) -> None:
        with self._changed:
            refused = self._draining
            asked = head[0] != PING
            self.running += asked and not refused
        if refused or not asked:
            frames.send(connection.socket, [DRAINING if refused else PING])
            return
        try:
            with connection.working(head[0]) as cancellation, self._places:
                answer = self._answer(head[1:], body, cancellation)
            frames.send(connection.socket, *answer)
        finally:
            with self._changed:
                self.running -= 1
                if self._draining:
                    self._changed.notify_all()

    def _watch(self) -> None:
        """Cancel what an edge no longer waits for."""
        while True:
            for number, _ in self._hangups.poll():
                with self._changed:
                    connection = self._connections.get(number)
                if connection is not None and frames.ended(connection.socket):  # and not a later one's number
                    connection.cancel()


class _Connection:
    """A connection, and the request that is being answered on it."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self._lock = threading.Lock()
        self._gone = False
        self._cancellation: Cancellation | None = None

    @contextlib.contextmanager
    def working(self, seconds: float | None) -> Iterator[Cancellation]:
        """Yield the cancellation of a request whose caller waits for so long."""
        cancellation = Cancellation(seconds)
        with self._lock:
            self._cancellation = cancellation
            gone = self._gone
        if gone:
            cancellation.cancel()
        try:
            yield cancellation
        finally:
            with self._lock:
                self._cancellation = None

    def cancel(self) -> None:
        """Say that nobody waits for any answer on this connection."""
        with self._lock:
            self._gone = True
            cancellation = self._cancellation
        if cancellation is not None:
            cancellation.cancel()
