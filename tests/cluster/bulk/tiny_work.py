"""Work that takes no time, for processes of Ray, which import it; some of it brings its process down."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfdeconv.cli.bulk.job_list import Job
from tfdeconv.cli.bulk.outcome import Outcome

DEADLY = "deadly.png"


def copy() -> Callable[[Job], Outcome]:
    """A worker that writes an empty file for each job, and that one job kills."""

    def do(job: Job) -> Outcome:
        if job.source.name == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        job.target.touch()
        return Outcome(line=job.target.name)

    return do


def nothing() -> Callable[[Any], Any]:
    """A worker that returns what it gets."""
    return lambda item: item


def counted(count: int, log: Path) -> Iterator[bytes]:
    """So many items; how many have been drawn is in a file."""
    with log.open("wb", buffering=0) as file:
        for number in range(count):
            file.seek(0)
            file.write(b"%8d" % number)
            yield b"a name such as files have, /photos/2026/november/27/%8d.jpg" % number
