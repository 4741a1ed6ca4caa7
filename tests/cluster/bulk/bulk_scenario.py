"""A folder enlarged by a cluster of two nodes: the command is killed, then a process, then a node.

Run inside a network namespace of its own; prints one JSON line for each step:

    unshare -n python tests/cluster/namespaces.py 300 tests/cluster/bulk/bulk_scenario.py PHOTOS LARGER
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from cluster import namespaces
from ray.cluster_utils import Cluster

PHOTOS, LARGER = Path(*sys.argv[1:2]), Path(*sys.argv[2:3])
BEGUN = time.monotonic()
NODE = {"num_cpus": 1, "object_store_memory": 100 << 20}


def results() -> int:
    return len([path for path in LARGER.rglob("[!.]*.png") if path.is_file()])


def wait(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{results()} results"
        time.sleep(0.02)


def workers() -> list[int]:
    """Processes of Ray that enlarge."""
    return namespaces.processes("ray::MapWorker")


def start(address: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tfdeconv.cli", "upscale", str(PHOTOS), "-o", str(LARGER)]
    command += ["--engine", "ray", "--address", address, "--workers", "2", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def tell(step: str, **facts: object) -> None:
    at = round(time.monotonic() - BEGUN, 1)
    print(json.dumps({"step": step, "at": at, **facts}), flush=True)


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args=NODE | namespaces.HEAD)
    node = cluster.add_node(**NODE)
    first = start(cluster.address)
    wait(lambda: results() >= 4)
    first.kill()
    first.communicate()
    wait(lambda: not workers())  # Ray ends those of a driver that is gone
    Path(LARGER, f".{'0' * 16}.part.png").write_bytes(b"half")  # as a kill while writing leaves it
    before = results()
    tell("command", there=before)

    second = start(cluster.address, "--resume")
    wait(lambda: results() >= before + 2)
    os.kill(workers()[0], signal.SIGKILL)
    wait(lambda: results() >= before + 5)
    cluster.remove_node(node, allow_graceful=False)
    tell("node", there=results())
    out, err = second.communicate(timeout=600)
    tell("end", code=second.returncode, out=out, err=err)
    os._exit(0)  # without Ray's own end, which takes 20 s


if __name__ == "__main__":
    main()
