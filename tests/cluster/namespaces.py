"""Clusters of several nodes on one machine: in a network namespace with nothing but a loopback interface.

A scenario is a script that starts a cluster and prints one JSON line for each step, ``{"step": NAME, ...}``.
By hand:

    unshare -n python tests/cluster/namespaces.py 300 tests/cluster/bulk/bulk_scenario.py PHOTOS LARGER
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).parents[1]
SECONDS = 900
"""Limit of a scenario: many times what it takes on two cores with nothing else to do."""
HEAD = {"include_dashboard": False, "_system_config": {"health_check_period_ms": 500}}
"""Of the first node. A node is gone when it has refused five checks: else one comes every three seconds."""
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP: netdevice(7)


def run(scenario: Path, *arguments: Path, timeout: float = SECONDS) -> dict[str, dict[str, Any]]:
    """What each step of a scenario tells; skips, or fails in continuous integration, without namespaces."""
    if reason := _missing():
        (pytest.fail if os.environ.get("TFDECONV_REQUIRE_ALL") else pytest.skip)(reason)
    ended = subprocess.run(
        _isolated(timeout, scenario, *arguments), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    steps = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"step"')]
    return {step.pop("step"): step for step in steps}


def processes(title: str) -> list[int]:
    """Processes of this namespace, without this one, whose title has ``title`` in it."""
    mine = Path("/proc/self/ns/net").readlink()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()  # of any process here, so with any bytes in it
                if title.encode() in line and (entry / "ns/net").readlink() == mine:
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended
    return sorted(found)


def _isolated(*arguments: object) -> list[str]:
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    return [*namespace, sys.executable, __file__, *map(str, arguments)]


@functools.cache
def _missing() -> str:
    """Why a network namespace cannot be had here; empty where it can."""
    if not shutil.which("unshare"):
        return "unshare (util-linux) is not installed"
    tried = subprocess.run(_isolated(), capture_output=True, text=True, check=False)
    lines = tried.stderr.strip().splitlines() or ["no reason is given"]
    return "" if tried.returncode == 0 else f"network namespaces are not permitted: {lines[-1]}"


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        found = fcntl.ioctl(control, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack("16xh14x", found)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def _run_here(timeout: float, script: str, *arguments: str) -> int:
    """Run a scenario and end what it leaves behind: nothing else is in this namespace."""
    path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
    try:
        return subprocess.run(
            [sys.executable, script, *arguments],
            env=os.environ | {"PYTHONPATH": path, "RAY_worker_niceness": "0"},
            timeout=timeout,
            check=False,
        ).returncode
    finally:
        while left := processes(""):
            for number in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    _bring_loopback_up()
    if sys.argv[1:]:
        sys.exit(_run_here(float(sys.argv[1]), *sys.argv[2:]))
