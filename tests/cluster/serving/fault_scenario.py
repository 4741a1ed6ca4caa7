"""A server on a real cluster of two nodes, whose processes are killed while requests are under way.

Run inside a network namespace of its own; prints one JSON line for each step:

    unshare -n python tests/cluster/namespaces.py 300 tests/cluster/serving/fault_scenario.py MODELS SPARE

Each request waits at least 0.4 s in a queue for batches, so that requests are certainly under way when a
process is killed. Twelve clients keep twelve of them under way, and a replica takes eight of an edge: each of
the two replicas has at least four. A node has room for one replica: with a node, one is killed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ray
from cluster.namespaces import HEAD, processes
from ray import serve
from ray.cluster_utils import Cluster

import tfdeconv as td
from tfdeconv.cluster.serving.application import Scale
from tfdeconv.cluster.serving.channel.greeting import Address
from tfdeconv.cluster.serving.launch import Deployment
from tfdeconv.cluster.serving.plan import Report
from tfdeconv.errors import TfdeconvError
from tfdeconv.serving import ServerOptions

QUEUE_SECONDS = 0.4
CLIENTS, LIMIT = 12, 8
BEGUN = time.monotonic()


class Load:
    """Clients that send one request after the other while the block runs, which begins when all are at it.

    Args:
        urls: The edges, now; of several lists, each is for as many clients.
        wanted: Answers that are right.
    """

    def __init__(self, *urls: Callable[[], list[str]], wanted: tuple[float, ...] = (2.0,)) -> None:
        self.wanted = wanted
        self.answers: list[tuple[float, float, str]] = []
        self.begun = [0.0] * CLIENTS
        self.ended = [0] * CLIENTS
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._send, args=(number, urls[number % len(urls)]))
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        wait_for(lambda: all(self.ended))
        return self

    def wait_in_queues(self) -> None:
        """Return when each client's request waits for its batch, and for a while yet, if that comes."""
        soon = QUEUE_SECONDS / 8

        def waiting() -> bool:
            return all(soon < time.monotonic() - one < QUEUE_SECONDS - soon for one in self.begun)

        with contextlib.suppress(TimeoutError):
            wait_for(waiting, 3, pause=0.01)

    def go_on(self) -> None:
        """Return when each client has had an answer to a request that it sent after this call."""
        before = list(self.ended)
        wait_for(lambda: all(now > then + 1 for now, then in zip(self.ended, before, strict=True)))

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _send(self, number: int, wanted: Callable[[], list[str]]) -> None:
        urls: list[str] = []
        while not self.stopping.is_set():
            if urls != (now := wanted()):
                urls = list(now)
                client = td.client.connect(urls, model="toy", timeout=120)
            self.begun[number] = started = time.monotonic()
            try:
                y = float(client.predict({"x": [[1.0]]}, signature="serving_default")["y"][0, 0])
                text = "" if y in self.wanted else f"answered {y}"
            except TfdeconvError as error:
                text = f"{type(error).__name__}: {error}"
            self.answers.append((started, time.monotonic(), text))
            self.ended[number] += 1

    def told(self, moment: float = 0.0) -> dict[str, object]:
        """What the clients saw, and how many requests were under way at ``moment``."""
        return {
            "requests": len(self.answers),
            "under_way": sum(start < moment < end for start, end, _ in self.answers),
            "longest": round(max(end - start for start, end, _ in self.answers), 2),
            "failed": sorted({text for _, _, text in self.answers if text}),
        }


def wait_for(condition, seconds: float = 180, *, pause: float = 0.1) -> float:
    """Seconds until ``condition`` held."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{condition} did not come true")
        time.sleep(pause)
    return round(time.monotonic() - started, 1)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def left_after(title: str, seconds: float) -> list[int]:
    """Processes that are still there, at the latest after so long: it returns as soon as there are none."""
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: not processes(title), seconds)
    return processes(title)


def say(step: str, **told: object) -> None:
    print(json.dumps({"step": step, "at": round(time.monotonic() - BEGUN, 1)} | told), flush=True)


def main(models: Path, spare: Path) -> None:
    batching = models.parent / "batching.config"
    batching.write_text(
        f"max_batch_size {{ value: 64 }} batch_timeout_micros {{ value: {int(QUEUE_SECONDS * 1e6)} }} "
        "num_batch_threads { value: 2 } max_enqueued_batches { value: 100 }"
    )
    monitoring = models.parent / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    listed = models.parent / "models.config"
    listed.write_text(configuration(toy=(models, "latest { num_versions: 1 }")))
    options = ServerOptions(
        model_config_file=listed,
        model_config_file_poll_wait_seconds=0.2,
        file_system_poll_wait_seconds=0.2,
        enable_batching=True,
        grpc_max_threads=LIMIT,
        batching_parameters_file=batching,
        monitoring_config_file=monitoring,
        enable_grpc_healthcheck_service=True,
        max_num_load_retries=0,
    )
    scale = Scale(
        replicas=2,
        min_replicas=1,
        max_replicas=0,
        target_ongoing_requests=2,
        upscale_delay_seconds=30,
        downscale_delay_seconds=600,
        replica_cpus=1,
        replica_gpus=0,
        edges=0,
        drain_seconds=10,
    )
    started = time.monotonic()
    store = {"object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **store} | HEAD)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    deployment = Deployment(options, scale)
    starting = ThreadPoolExecutor(1).submit(deployment.start, cancel=threading.Event())
    worker = cluster.add_node(num_cpus=1, **store)  # it joins while it starts
    starting.result(200)
    urls: list[str] = []
    rest: list[str] = []

    def find_edges() -> None:
        urls[:] = [f"grpc://127.0.0.1:{port}" for _, port, _ in deployment._state()[1]]
        rest[:] = [f"http://127.0.0.1:{port}" for _, _, port in deployment._state()[1]]

    def serving(edges: int = 2) -> bool:
        _, found, replicas = deployment._state()
        return replicas == 2 and len(found) == edges

    def kill(step: str, number: int, *load_urls: Callable[[], list[str]], **about) -> int:
        with Load(*load_urls, **about) as load:
            if number in processes("tfdeconv:Replica"):
                load.wait_in_queues()
            moment = time.monotonic()
            os.kill(number, signal.SIGKILL)
            load.go_on()
        say(step, **load.told(moment))
        return len(load.answers)

    def channels() -> frozenset[Address]:
        """Where replicas serve, as the coordinator tells a member of another deployment."""
        with contextlib.suppress(Exception):
            return deployment._ask(lambda handle: handle.sync.remote(Report("", "another", None))).channels
        return frozenset()

    def replaced(before: frozenset[Address]) -> bool:
        now = channels()
        return len(now) == 2 and len(now - before) == 1

    def edge_replaced(before: set[str]) -> bool:
        find_edges()
        return len(urls) == 2 and len(set(urls) - before) == 1

    def steady() -> None:
        try:
            wait_for(serving)
        except TimeoutError:
            raise TimeoutError(f"{deployment._state()} {serve.status()}") from None

    def states(model: str) -> dict[int, str]:
        with td.client.connect(urls[0], model=model) as client:
            return {one.version: one.state for one in client.status()}

    def answers(model: str) -> list[float]:
        """The different answers of many requests, more at once than one replica takes: both are asked."""
        with td.client.connect(urls[0], model=model) as client:
            many = client.predict_many([{"x": [[1.0]]}] * 32, concurrency=2 * LIMIT)
            return sorted({float(outputs["y"][0, 0]) for outputs in many})

    def metrics() -> str:
        with urllib.request.urlopen(f"{rest[0]}/monitoring/prometheus/metrics", timeout=20) as page:
            return page.read().decode()

    steady()
    find_edges()
    say("start", edges=len(urls), seconds=round(time.monotonic() - started, 1))

    with Load(lambda: urls[:1], wanted=(2.0, 3.0)) as load:
        arrive(spare / "2", models)
        seconds = wait_for(lambda: states("toy") == {2: "AVAILABLE", 1: "END"})
        answered = answers("toy")
        load.go_on()
    say("new version", answers=answered, seconds=seconds, **load.told())

    with Load(lambda: urls[:1], wanted=(3.0,)) as load:
        with td.client.connect(urls[0]) as client:
            client.reload(configuration(toy=(models, "latest { num_versions: 1 }"), other=(spare, "all {}")))
        answered, told = answers("other"), states("other")
        load.go_on()
    say("reload", answers=answered, states=told, **load.told())

    there, replica = channels(), processes("tfdeconv:Replica")[0]
    kill("replica", replica, lambda: urls[:1], lambda: rest[:1], wanted=(3.0,))
    kill("controller", processes("ServeController")[0], lambda: urls[:1], wanted=(3.0,))
    wait_for(lambda: replaced(there))
    steady()
    say("later replica", answers=answers("other"), states=states("other"))

    stopped = processes("tfdeconv:Replica")
    with Load(lambda: urls[:1], wanted=(3.0,)) as load:
        load.wait_in_queues()
        moment = time.monotonic()
        os.kill(stopped[0], signal.SIGSTOP)  # its connections stay open, and nothing comes
        load.go_on()
    say("silent replica", **load.told(moment))
    os.kill(stopped[1], signal.SIGSTOP)
    with td.client.connect(urls[0], model="toy", timeout=1) as client:
        moment, text = time.monotonic(), ""
        try:
            client.predict({"x": [[1.0]]}, signature="serving_default")
        except TfdeconvError as error:
            text = type(error).__name__
    say("silence", error=text, seconds=round(time.monotonic() - moment, 1))
    for number in stopped:
        os.kill(number, signal.SIGCONT)
    steady()

    kill("coordinator", processes("tfdeconv:Coordinator")[0], lambda: urls[:1], wanted=(3.0,))
    steady()
    time.sleep(1)  # it has polled the file, whose text is that of the start
    say("kept", answers=answers("other"))
    with td.client.connect(urls[0]) as client:
        client.reload(configuration(toy=(models, "all {}"), other=(spare, "all {}")))
    say("later coordinator", answers=answers("other"), states=states("toy"))

    time.sleep(1)  # until all have reported
    before = requests_counted(metrics())
    edges = set(urls)
    requests = kill("edge", processes("tfdeconv:Edge")[0], lambda: urls, wanted=(3.0,))
    wait_for(lambda: edge_replaced(edges))
    steady()
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: requests_counted(metrics()) >= before + requests, 60)
    time.sleep(1)  # nor does more come
    say("metrics", counted=requests_counted(metrics()) - before)

    with Load(lambda: urls, wanted=(3.0,)) as load:
        load.wait_in_queues()
        moment = time.monotonic()
        cluster.remove_node(worker, allow_graceful=False)
        load.go_on()
    say("node", **load.told(moment))
    left = wait_for(lambda: len(deployment._state()[1]) == 1)
    cluster.add_node(num_cpus=1, **store)
    steady()
    say("edges", left=left, listening=len(deployment._state()[1]))

    later = Deployment(options, scale)

    def both() -> list[str]:
        """Where the edges listen: each has a free port here, and another one after its end."""
        found = [*deployment._state()[1], *later._state()[1]]
        urls[:] = [f"grpc://127.0.0.1:{port}" for _, port, _ in found] or urls
        return urls[:]

    with Load(both, wanted=(3.0,)) as load:
        later.start(cancel=threading.Event())
        load.go_on()
    say("redeploy", **load.told())
    started = time.monotonic()
    deployment.stop()
    gone_on = processes("tfdeconv:Replica")
    ports = [port for _, *both in later._state()[1] for port in both]
    later.stop()
    seconds = round(time.monotonic() - started, 1)
    say(
        "stop",
        seconds=seconds,
        earlier=len(gone_on),
        listening=[port for port in ports if listens(port)],
        ports=len(ports),
        left=left_after("tfdeconv:", 60),
    )
    os._exit(0)  # without Ray's own end, which takes 20 s


def arrive(version: Path, base: Path) -> None:
    """Copy a version folder, which appears whole."""
    hidden = base / ".arriving"
    shutil.copytree(version, hidden)
    hidden.rename(base / version.name)


def configuration(**models: tuple[Path, str]) -> str:
    """The text of a ModelServerConfig: name to base path and policy."""
    listed = "".join(
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" '
        f"model_version_policy {{ {policy} }} }}"
        for name, (path, policy) in models.items()
    )
    return f"model_config_list {{ {listed} }}"


def requests_counted(page: str) -> int:
    """The requests of a page for Prometheus that went well."""
    counts = re.findall(r'request_count\{model_name="toy",status="OK"\} (\d+)', page)
    return sum(map(int, counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
