"""LitServe and BentoML serving the same SavedModel, side by side with the embedded server.

Each is started in a process of its own and asked for the same picture, as base64 in JSON over HTTP; the
answers are compared before anything is timed. A peer that is not installed is left out. The rounds of all
contenders alternate, so that a change in the machine's speed hits all alike.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from harness.server_process import free_port

_FOLDER = Path(__file__).parent / "peers"


def _commands(version: Path, port: int) -> dict[str, list[str]]:
    python = sys.executable
    bento = ["-m", "bentoml", "serve", "bentoml_app:Upscaler", "--working-dir", str(_FOLDER)]
    return {
        "litserve": [python, str(_FOLDER / "litserve_app.py"), str(version), str(port)],
        "bentoml": [python, *bento, "--host", "127.0.0.1", "--port", str(port)],
    }


@contextlib.contextmanager
def peer(name: str, version: Path, port: int, picture: bytes) -> Iterator[Callable[[], bytes]]:
    """Run a peer until the block ends; yields a call that upscales ``picture``."""
    process = subprocess.Popen(
        _commands(version, port)[name],
        env={**os.environ, "SAVED_MODEL": str(version)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    body = json.dumps({"b64": base64.b64encode(picture).decode()}).encode()
    headers = {"Content-Type": "application/json"}

    with httpx.Client(timeout=120) as client:

        def ask() -> bytes:
            answer = client.post(f"http://127.0.0.1:{port}/predict", content=body, headers=headers)
            return base64.b64decode(answer.raise_for_status().json()["b64"])

        try:
            _wait_until_answered(ask, process)
            yield ask
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait_until_answered(ask: Callable[[], bytes], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            ask()
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("A peer did not start.") from None
            threading.Event().wait(0.3)
        else:
            return


def compare(
    ours: Callable[[], bytes],
    version: Path,
    picture: bytes,
    *,
    rate: Callable[[Callable[[], object], int, float], tuple[float, list[float]]],
    clients: list[int],
    seconds: float,
    rounds: int,
) -> bool:
    """Print requests per second of all contenders; return whether ours is ahead of every peer.

    Args:
        ours: Upscales ``picture`` through the embedded server's REST port.
        version: The version folder that the peers load.
        picture: An encoded picture.
        rate: Times a closed loop.
        clients: Numbers of clients.
        seconds: Length of a round.
        rounds: Number of rounds.
    """
    ahead = True
    with contextlib.ExitStack() as stack:
        contenders = {"tfdeconv": ours}
        for name in ("litserve", "bentoml"):
            if importlib.util.find_spec(name) is None:
                print(f"{name} is not installed: left out")
                continue
            contenders[name] = stack.enter_context(peer(name, version, free_port(), picture))
            if contenders[name]() != ours():
                raise SystemExit(f"{name} answers another picture.")
        for count in clients:
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(rounds):
                for name, ask in contenders.items():
                    rates[name].append(rate(ask, count, seconds)[0])
            medians = {name: statistics.median(found) for name, found in rates.items()}
            shares = "  ".join(f"{name} {median:.1f}/s" for name, median in medians.items())
            print(f"encoded picture, {count} clients: {shares}")
            ahead &= all(medians["tfdeconv"] >= median for median in medians.values())
    return ahead
