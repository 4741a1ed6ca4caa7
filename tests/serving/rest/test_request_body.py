"""Bodies that do not become requests hold no memory."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from tfdeconv.errors import UnavailableError
from tfdeconv.serving.rest import request_body


def read(messages, limit, held):
    """Read a body that arrives as these messages."""

    async def receive():
        return next(messages)

    return asyncio.run(request_body.read(Request({"type": "http", "headers": []}, receive), limit, held))


def chunk(size, *, more=True):
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_body_that_is_too_large_is_given_back():
    """What had arrived of it leaves room for the next."""
    held = request_body.HeldBytes(100)
    for _ in range(3):
        assert read(iter([chunk(40), chunk(40)]), 50, held) is None
    assert read(iter([chunk(50), chunk(50, more=False)]), 100, held) == b"x" * 100


def test_a_client_that_goes_away_gives_its_bytes_back():
    """In the middle of its body, as one that finds no room."""
    held = request_body.HeldBytes(100)
    for _ in range(3):
        with pytest.raises(ClientDisconnect):
            read(iter([chunk(60), {"type": "http.disconnect"}]), 100, held)
        with pytest.raises(UnavailableError, match="hold 100 bytes, its limit; try again"):
            read(iter([chunk(60), chunk(60)]), 200, held)
    assert read(iter([chunk(100, more=False)]), 100, held) == b"x" * 100
