"""The servers that commands talk to, and the pictures that they train on, are those of other tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from client.conftest import (  # noqa: F401
    embedded_server,
    failures,
    fake_url,
    fake_urls,
    model_folder,
    shared_failures,
    url,
)
from serving.conftest import _process_as_it_is, toy_folder  # noqa: F401
from training.conftest import drawings, unseen_drawing  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def _hang_up_is_heard() -> Iterator[None]:
    """Commands inherit what is ignored: under ``nohup``, SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
