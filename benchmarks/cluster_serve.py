"""What serving on a Ray cluster costs and brings, against one process on the same machine.

    python benchmarks/cluster_serve.py      # the edge's latency over the embedded server's, start, memory

Ray listens on the loopback address alone. Embedded server and cluster run at the same time and are asked in
turn, so that a change in the machine's speed hits both alike; what is not being asked has no work. Every
answer is compared with the embedded server's before anything is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np

MODEL = "upscaler"
TARGETS = {4: 2.0, 256: 1.2}
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
Ask = Callable[[], bytes]


def export(folder: Path) -> Path:
    """Write the shipped upscaler as version 1; return the base path."""
    import tfdeconv as td

    base = folder / MODEL
    td.export_saved_model(td.zoo.load_upscaler(3), base, version=1, warmup=None)
    return base


@contextlib.contextmanager
def serve(base: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], int, float]]:
    """Run ``tfdeconv serve``; yields its process, its gRPC port and how long it took to be there."""
    command = [sys.executable, "-m", "tfdeconv.cli", "serve", f"--model_base_path={base}", "--host=127.0.0.1"]
    command += [f"--model_name={MODEL}", "--port=0", *flags]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"gRPC ModelServer at .*:(\d+)", line):
                yield process, int(found[1]), time.monotonic() - started
                break
        else:
            raise SystemExit("The server ended before it was ready.")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def request(size: int) -> bytes:
    """The message that asks for a picture of ``size`` pixels a side."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    message = predict_pb2.PredictRequest()
    message.model_spec.name = MODEL
    image = np.random.default_rng(0).random((1, size, size, 1), np.float32)
    message.inputs["luma"].CopyFrom(tf.make_tensor_proto(image))
    return bytes(message.SerializeToString())


def asking(port: int, message: bytes) -> Ask:
    """Return a call that sends ``message``."""
    call = grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED).unary_unary(_PREDICT)
    return lambda: bytes(call(message, timeout=120))


def in_turn(asks: list[Ask], rounds: int) -> list[float]:
    """Median milliseconds of each call, asked one after the other."""
    seconds: list[list[float]] = [[] for _ in asks]
    for k in range(rounds + 3):
        for number, ask in enumerate(asks):
            started = time.perf_counter()
            ask()
            if k >= 3:
                seconds[number].append(time.perf_counter() - started)
    return [1e3 * statistics.median(one) for one in seconds]


def rate(ask: Ask, *, clients: int, seconds: float) -> float:
    """Answers in a second to so many clients at once."""
    counts, end = [0] * clients, time.monotonic() + seconds

    def run(number: int) -> None:
        while time.monotonic() < end:
            ask()
            counts[number] += 1

    threads = [threading.Thread(target=run, args=(k,)) for k in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def megabytes(title: str, *, since: float) -> list[float]:
    """Resident memory of the processes that began after ``since`` and have ``title`` in theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if (
                entry.name.isdigit()
                and entry.stat().st_mtime >= since
                and title in (entry / "cmdline").read_text()
            ):
                pages = int((entry / "statm").read_text().split()[1])
                found.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return found


def serve_part(rounds: int, seconds: float) -> None:
    """Print latency, start-up time, memory and rate."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        base = export(Path(folder))
        _, alone, alone_seconds = stack.enter_context(serve(base))
        print(f"start: embedded {alone_seconds:.1f} s")
        for replicas in (1, 2):
            begun = time.time()
            with serve(base, "--engine=ray", f"--replicas={replicas}") as (_, port, ready):
                print(f"start: Ray with {replicas} replicas {ready:.1f} s")
                for size in TARGETS:
                    message = request(size)
                    asks = [asking(alone, message), asking(port, message)]
                    embedded_answer, ray_answer = (ask() for ask in asks)
                    assert embedded_answer == ray_answer, "the answers differ"
                    if replicas == 1:
                        embedded, over = in_turn(asks, rounds if size < 100 else rounds // 4)
                        verdict = "met" if over <= TARGETS[size] * embedded else "MISSED"
                        print(
                            f"latency {size}x{size}: embedded {embedded:.2f} ms, Ray {over:.2f} ms, "
                            f"{over / embedded:.2f} times (target {TARGETS[size]:g}: {verdict})"
                        )
                    rates = [rate(ask, clients=4, seconds=seconds) for ask in asks]
                    print(
                        f"rate {size}x{size}, 4 clients, {replicas} replicas: embedded {rates[0]:.1f}/s, "
                        f"Ray {rates[1]:.1f}/s"
                    )
                for title in ("Replica", "Edge", "Coordinator"):
                    sizes = megabytes(f"tfdeconv:{title}", since=begun) or megabytes(
                        f"tfdeconv#{title}", since=begun
                    )
                    print(f"memory of each {title}: {', '.join(f'{size:.0f} MB' for size in sizes)}")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=120, help="requests of each size for the latency")
    parser.add_argument("--seconds", type=float, default=4, help="for each rate")
    arguments = parser.parse_args()
    serve_part(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
