"""A `tfdeconv serve` in a process of its own, for as long as a benchmark needs it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

MODEL = "upscaler"


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@dataclasses.dataclass
class ServerProcess:
    """A running ``tfdeconv serve``."""

    process: subprocess.Popen[bytes]
    grpc_port: int
    rest_port: int

    def resident_megabytes(self) -> float:
        """Return the memory that the process holds."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def serve(base_path: Path, *flags: str) -> Iterator[ServerProcess]:
    """Run ``tfdeconv serve`` until the block ends."""
    port, rest_port = free_port(), free_port()
    command = [sys.executable, "-m", "tfdeconv.cli", "serve", f"--model_base_path={base_path}"]
    command += [f"--model_name={MODEL}", f"--port={port}", f"--rest_api_port={rest_port}", *flags]
    process = subprocess.Popen(
        [*command, "--host=127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{rest_port}/v1/models/{MODEL}", process)
        yield ServerProcess(process, port, rest_port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once ``url`` answers; fail if the process ends or two minutes pass."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit("The server ended before it was ready.")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        threading.Event().wait(0.1)
    raise SystemExit(f"{url} does not answer.")
