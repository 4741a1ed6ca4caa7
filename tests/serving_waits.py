"""What several tests of the serving package share and import by name."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfdeconv.serving.repository.repository import ModelRepository


class Toys:
    """Version folders by copying, in one step as an exporter does it."""

    @staticmethod
    def copy(source: Path, base: Path, version: int) -> Path:
        """Copy the SavedModel ``source`` to ``base/version``; it appears complete."""
        hidden = base / f".writing-{version}"
        shutil.copytree(source, hidden)
        return hidden.rename(base / str(version))


def free_port(hosts: Sequence[str] = ("127.0.0.1",)) -> int:
    """A port that is free at each host, below those that systems give to whoever asks for any."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for host in hosts:
                stack.enter_context(socket.create_server((host, port)))
            return port


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        AssertionError: It does not hold within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.005)


def states(repository: ModelRepository, name: str = "m") -> dict[int, str]:
    """Return the state of each version of a model, in the repository's order."""
    return {status.version: status.state.name for status in repository.statuses(name)}
