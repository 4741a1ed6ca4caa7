"""One connection's limits, on a transport and a clock that do what the test says."""

from __future__ import annotations

from unittest import mock

import pytest
import uvicorn
from uvicorn.server import ServerState

from tfdeconv.serving.rest.http_limits import BoundedProtocol, HttpLimits

HEAD = b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: %s\r\n" % (n, b"x" * 80) for n in range(10)) + b"\r\n"
KIB = 1 << 10


@pytest.fixture
def loop():
    """Takes what is to be called later, and answers no request."""
    loop = mock.Mock()
    loop.create_task.side_effect = lambda work, **_: work.close() or mock.Mock()
    return loop


@pytest.fixture
def transport():
    found = mock.Mock()
    found.is_closing.return_value = False
    return found


@pytest.fixture
def connection(loop, transport):

    async def app(scope, receive, send):
        """Never runs."""

    config = uvicorn.Config(app, log_config=None)
    made = BoundedProtocol(
        limits=HttpLimits(head_bytes=1000, body_seconds=7),
        headers={},
        config=config,
        server_state=ServerState(),
        app_state={},
        _loop=loop,
    )
    made.connection_made(transport)
    return made


@pytest.mark.parametrize("size", [1, 10, 100, len(HEAD)])
def test_a_head_counts_once_in_whatever_pieces_it_comes(connection, transport, loop, size):
    """900 bytes are below a limit of 1000, byte by byte as well."""
    assert 850 < len(HEAD) < 1000
    for start in range(0, len(HEAD), size):
        connection.data_received(HEAD[start : start + size])
    assert not transport.write.called
    assert loop.create_task.called


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nA: b\r\nB: "])
def test_a_line_without_end_is_refused_in_time(connection, transport, start):
    """Soon after the limit, although the parser tells of a header only when it ends."""
    connection.data_received(start)
    sent = 0
    while not transport.close.called and sent < 5000:
        connection.data_received(b"x" * 10)
        sent += 10
    assert 900 <= sent <= 1010
    assert transport.write.call_args.args[0].startswith(b"HTTP/1.1 431 ")


class TestAnswer:
    """An answer that is larger than what the transport takes at once."""

    def look(self, loop, transport, left):
        """Let the time pass, with so much of the answer left."""
        seconds, look, last = loop.call_later.call_args.args
        assert seconds == 7
        transport.get_write_buffer_size.return_value = left
        look(last)

    def test_slow_client(self, connection, transport, loop):
        """It has all the time that it needs, as long as it takes 16 KiB of the answer each time."""
        transport.get_write_buffer_size.return_value = 100 * KIB
        connection.pause_writing()
        for left in (84, 50, 34, 18):
            self.look(loop, transport, left * KIB)
        assert not transport.abort.called
        connection.resume_writing()
        loop.call_later.return_value.cancel.assert_called()

    def test_client_that_takes_nothing(self, connection, transport, loop):
        """A byte now and then is as good as nothing: what is left is dropped with the connection."""
        transport.get_write_buffer_size.return_value = 100 * KIB
        connection.pause_writing()
        self.look(loop, transport, 80 * KIB)
        self.look(loop, transport, 80 * KIB - 1)
        transport.abort.assert_called_once_with()
