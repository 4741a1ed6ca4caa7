"""A connection that a client can neither fill with headers nor keep for itself by sending or taking nothing.

TensorFlow Serving leaves it to libevent, which takes heads of any size and closes a connection without a byte
in either direction for 50 seconds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from tfdeconv.serving.rest.error_body import error_body
from tfdeconv.serving.rest.http_protocol import Http1Protocol

# Fewer bytes than these in a body's time-out are as good as none, in either direction.
_PROGRESS_BYTES = 1 << 14
_RESET = struct.pack("ii", 1, 0)
# A client that has closed its side may wait for the answer or be gone. Which, tells the second packet to it:
# a machine answers the first one for a socket that is gone with a reset.
_PROBE_SECONDS = 0.25
_PROBE = b"HTTP/1.1 102 Processing\r\n\r\n"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What a connection may cost.

    Attributes:
        head_bytes: Most bytes of a request line and its headers.
        head_seconds: Longest time for them to arrive, or None for no limit.
        body_seconds: Longest time for the next 16 KiB of a body, or None for no limit: of a request's to
            arrive, and of an answer's to be taken.
    """

    head_bytes: int = 1 << 16
    head_seconds: float | None = 30.0
    body_seconds: float | None = 30.0


class BoundedProtocol(Http1Protocol):
    """A connection with limits, whose client may close its own side once the request is sent.

    Args:
        limits: The limits.
        headers: Headers of refusals, beside those that they need.
        **options: uvicorn's.
    """

    def __init__(self, *, limits: HttpLimits, headers: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._common = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        self._timer: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._line_bytes = 0  # of a line that no callback has told of yet
        self._progress = 0
        self._refused = False
        # uvicorn's `cycle` is the last request that has arrived; those before it may still be at work.
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client some time for its first request."""
        super().connection_made(transport)
        self._start_timer(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and the request that is being answered."""
        self._stop_timer()
        self._stop_watching()
        self._abandon()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _abandon(self) -> None:
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse; count what belongs to a head that is not complete."""
        if self._refused:
            return
        unfinished, told = self._in_head and self._head_bytes > 0, self._head_bytes
        super().data_received(data)
        if self._refused or self.parser is None:
            return
        if self._in_head and unfinished:
            # A line that never ends reaches no callback; others have been counted there.
            self._line_bytes = self._line_bytes + len(data) if self._head_bytes == told else 0
            self._count_head(0)
        elif not self._in_head:
            self._progress += len(data)
            if self._progress >= _PROGRESS_BYTES and self.cycle.more_body:
                self._start_timer(self._limits.body_seconds)

    def on_message_begin(self) -> None:
        """Start the time for a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes, self._line_bytes = True, 1, 0
        if self._timer is None:
            self._start_timer(self._limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it."""
        self._count_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer, and the time for the body."""
        if self._refused:
            return
        super().on_headers_complete()
        self._in_head = False
        self._start_timer(self._limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        """Pass it on."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the time: the answer may take as long as it takes."""
        if self._refused:
            return
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0
        self._stop_timer()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what is complete although the client sends nothing more; say whether there is anything."""
        last = self.pipeline[0][0] if self.pipeline else self.cycle
        if last is None or last.more_body or last.response_complete:
            return False
        last.keep_alive = False
        self.loop.call_later(_PROBE_SECONDS, self._probe, _PROBE_SECONDS)
        return True

    def _probe(self, seconds: float) -> None:
        cycle = self.cycle
        waits = not cycle.response_started and cycle.scope["http_version"] == "1.1"
        if waits and not self.transport.is_closing():
            self.transport.write(_PROBE)
            self.loop.call_later(seconds, self._probe, 2 * seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the API's own form."""
        if not self._refused:
            self._refuse(400, msg)

    def pause_writing(self) -> None:
        """Give the client some time to take what it has asked for."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop that time: almost all is taken."""
        self._stop_watching()
        super().resume_writing()

    def _watch(self, size: int) -> None:
        if self._limits.body_seconds is not None:
            self._untaken = self.loop.call_later(self._limits.body_seconds, self._look_whether_taken, size)

    def _stop_watching(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _look_whether_taken(self, last: int) -> None:
        size = self.transport.get_write_buffer_size()
        if size > last - _PROGRESS_BYTES:
            # `close` would wait until all is taken, and so would the system, without a reset.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self._watch(size)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes + self._line_bytes > self._limits.head_bytes and not self._refused:
            self._refuse(431, f"The request's head is larger than {self._limits.head_bytes} bytes")

    def _start_timer(self, seconds: float | None) -> None:
        self._stop_timer()
        self._progress = 0
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._in_head and not self._head_bytes:
            self.transport.close()  # it has asked for nothing
        else:
            self._refuse(408, "The request took too long to arrive")

    def _refuse(self, status: int, text: str) -> None:
        """Answer instead of the application, unless that has begun to, and close the connection.

        Requests before the refused one get their answers, and then the connection is closed.
        """
        self._refused = True
        self._stop_timer()
        running = self._running
        pending = running is not None and not running.response_complete
        if running is not None and pending and (self._in_head or running is not self.cycle):
            if not self._in_head:
                self.pipeline.popleft()  # the refused one itself
            last = self.pipeline[0][0] if self.pipeline else running
            last.keep_alive = False
            return
        # What is at hand may have been answered before its body was complete.
        if not (self.cycle.response_started if pending else not self._in_head):
            content = error_body(text)
            head = [
                STATUS_LINE[status],
                self._common,
                b"content-type: application/json\r\nconnection: close\r\n",
                b"content-length: %d\r\n\r\n" % len(content),
            ]
            self.transport.write(b"".join([*head, content]))
        self._abandon()
        self.transport.close()
