"""What clients see of a server on a cluster, deployed from the printed configuration, over mutual TLS.

Run inside a network namespace of its own; prints one JSON line for each step:

    unshare -n python tests/cluster/namespaces.py 300 tests/cluster/serving/protocol_scenario.py FOLDER

FOLDER holds ``toy/1`` and the files of certificates that ``test_protocols.py`` writes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
from cluster.namespaces import processes
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from ray.cluster_utils import Cluster
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

import tfdeconv as td
from tfdeconv.errors import TfdeconvError

QUEUE_SECONDS = 2.0
BEGUN = time.monotonic()
URL, PAGES = "grpcs://localhost:8500", "http://127.0.0.1:8501"
ONCE = td.client.RetryPolicy(attempts=1)


def say(step: str, **told: object) -> None:
    print(json.dumps({"step": step, "at": round(time.monotonic() - BEGUN, 1)} | told), flush=True)


def page(path: str) -> str:
    try:
        with urllib.request.urlopen(PAGES + path, timeout=60) as opened:
            return opened.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return ""


def wait_for(condition, seconds: float = 240) -> float:
    """Seconds until ``condition`` held."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError("It did not come true")
        time.sleep(0.1)
    return round(time.monotonic() - started, 1)


def ended(status: str) -> int:
    """How many requests the deployment says have ended so."""
    counts = re.findall(
        rf'request_count\{{model_name="toy",status="{status}"\}} (\d+)',
        page("/monitoring/prometheus/metrics"),
    )
    return sum(map(int, counts))


def configuration(folder: Path) -> subprocess.Popen[str]:
    """Begin to print the configuration of Ray Serve."""
    (folder / "batching.config").write_text(
        f"max_batch_size {{ value: 64 }} batch_timeout_micros {{ value: {int(QUEUE_SECONDS * 1e6)} }} "
        "num_batch_threads { value: 2 } max_enqueued_batches { value: 100 }"
    )
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    flags = [
        *("--host=127.0.0.1", "--port=8500", "--rest_api_port=8501", "--grpc_max_threads=16"),
        *("--model_name=toy", f"--model_base_path={folder / 'toy'}", "--enable_grpc_healthcheck_service"),
        *(f"--ssl_config_file={folder / 'ssl.config'}", "--enable_batching"),
        f"--batching_parameters_file={folder / 'batching.config'}",
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        *("--min_replicas=1", "--max_replicas=2", "--target_ongoing_requests=2", "--replica_cpus=0.5"),
        *("--upscale_delay_seconds=1", "--downscale_delay_seconds=1"),
    ]
    command = [sys.executable, "-m", "tfdeconv.cli", "serve", "--engine=ray", "--dry-run", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def deploy(file: Path, address: str) -> None:
    """Hand a configuration to Ray Serve's own command."""
    command = [str(Path(sys.executable).with_name("serve")), "run", "--non-blocking", "--address", address]
    subprocess.run([*command, str(file)], check=True, stdout=subprocess.DEVNULL)


def predict(tls: td.client.TLS | None, timeout: float = 60) -> float | str:
    """The answer to 1, or the error's name."""
    try:
        with td.client.connect(URL, model="toy", timeout=timeout, tls=tls, retry=ONCE) as client:
            return float(client.predict({"x": [[1.0]]}, signature="serving_default")["y"][0, 0])
    except TfdeconvError as error:
        return type(error).__name__


def reflected(channel: grpc.Channel) -> tuple[list[str], bool]:
    """The services, and whether the file that declares Predict is told."""
    wanted = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tensorflow.serving.PredictionService"),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    services, files = stub.ServerReflectionInfo(iter(wanted), timeout=60)
    named = sorted(one.name for one in services.list_services_response.service)
    return named, b"Predict" in b"".join(files.file_descriptor_response.file_descriptor_proto)


def main(folder: Path) -> None:
    printing = configuration(folder)
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20},
    )
    (folder / "serve.yaml").write_text(printing.communicate()[0])
    assert printing.returncode == 0
    deploy(folder / "serve.yaml", cluster.address)
    wait_for(lambda: '"ready":true' in page("/readyz"))
    say("deployed")

    known = td.client.TLS(ca=folder / "ca.pem", certificate=folder / "client.pem", key=folder / "client.key")
    stranger = td.client.TLS(
        ca=folder / "ca.pem", certificate=folder / "stranger.pem", key=folder / "stranger.key"
    )
    say(
        "tls",
        known=predict(known),
        without=predict(td.client.TLS(ca=folder / "ca.pem")),
        stranger=predict(stranger),
    )

    credentials = grpc.ssl_channel_credentials(
        (folder / "ca.pem").read_bytes(),
        (folder / "client.key").read_bytes(),
        (folder / "client.pem").read_bytes(),
    )
    channel = grpc.secure_channel("localhost:8500", credentials)
    check = health_pb2_grpc.HealthStub(channel).Check
    names = ("", "tensorflow.serving.PredictionService")
    states = [check(health_pb2.HealthCheckRequest(service=name), timeout=60).status for name in names]
    services, declared = reflected(channel)
    say("services", health=states, services=services, declared=declared)

    with td.client.connect(URL, model="toy", tls=known, retry=ONCE) as client:
        client.status()  # it is connected
        started, error = time.monotonic(), ""
        try:
            client.predict({"x": [[1.0]]}, signature="serving_default", timeout=0.3)
        except TfdeconvError as raised:
            error = type(raised).__name__
        say("deadline", error=error, seconds=round(time.monotonic() - started, 2))

    before = ended("CANCELLED")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add().size = 1
    request.inputs["x"].tensor_shape.dim.add().size = 1
    request.inputs["x"].float_val.append(1.0)
    call = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict.future(request, timeout=60)
    time.sleep(QUEUE_SECONDS / 3)
    call.cancel()
    say("cancel", before=before, seconds=wait_for(lambda: ended("CANCELLED") > before, 60))

    answers: set[float | str] = set()
    stopping, busy = threading.Event(), threading.Event()

    def send(number: int) -> None:
        while not stopping.is_set() and (number == 0 or busy.is_set()):
            with td.client.connect(URL, model="toy", timeout=120, tls=known) as client:
                rows = client.predict_many([{"x": np.ones((1, 1), "float32")}], signature="serving_default")
                answers.update(float(outputs["y"][0, 0]) for outputs in rows)

    busy.set()
    fewest = len(processes("tfdeconv:Replica"))
    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    up = wait_for(lambda: len(processes("tfdeconv:Replica")) == 2)
    busy.clear()
    down = wait_for(lambda: len(processes("tfdeconv:Replica")) == 1)
    stopping.set()
    for thread in threads:
        thread.join()
    say("scale", fewest=fewest, up=up, down=down, answers=sorted(answers, key=str))
    os._exit(0)  # without Ray's own end, which takes 20 s


if __name__ == "__main__":
    main(Path(sys.argv[1]))
