"""The embedded server against the same model in process, and against LitServe and BentoML.

    python benchmarks/serving.py                    # the targets: gRPC and REST against in process
    python benchmarks/serving.py --peers            # LitServe and BentoML as well, where installed
    python benchmarks/serving.py --memory 20000     # memory after so many requests

The server runs in a process of its own, as it does in production; clients and server share the CPUs, and
so do the in-process runs that are compared with them. Every answer is compared with the in-process one
before anything is timed. Each row is the median of interleaved rounds, so that a change in the machine's
speed hits all ways alike. "Bare" is the share that a server without any work of its own would have: the time
of the in-process run and that of a plain grpcio server that answers as many bytes, together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from harness.server_process import MODEL, ServerProcess, serve
from harness.serving_ways import Ask, Grpc, InProcess, Rest, echo, png

TARGETS = {
    ("gRPC float", 32): 0.75,
    **{("gRPC float", size): 0.95 for size in (128, 256, 512, 1024)},
    **{("REST image bytes", size): 0.85 for size in (128, 256, 512, 1024)},
}
WIDTHS = (18, 6, 8, 10, 9, 9, 9, 7, 6, 12)


def rate(ask: Callable[[], object], clients: int, seconds: float) -> tuple[float, list[float]]:
    """Return requests per second and the latencies of a closed loop of ``clients`` threads."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def loop() -> None:
        while (started := time.perf_counter()) < end:
            ask()
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=loop) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(latencies) / (time.perf_counter() - started), latencies


def open_loop(ask: Callable[[], object], per_second: float, seconds: float) -> list[float]:
    """Return the latencies of requests that arrive at fixed times, waiting included."""
    from concurrent.futures import ThreadPoolExecutor

    latencies: list[float] = []

    def one(due: float) -> None:
        ask()
        latencies.append(time.perf_counter() - due)

    with ThreadPoolExecutor(64) as pool:
        start = time.perf_counter()
        for number in range(int(per_second * seconds)):
            due = start + number / per_second
            threading.Event().wait(max(0.0, due - time.perf_counter()))
            pool.submit(one, due)
    return latencies


def percentile(values: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    return float(np.percentile(values, share) * 1e3)


def row(*cells: object) -> None:
    """Print one line of a table."""
    print("  ".join(f"{cell!s:>{width}}" for cell, width in zip(cells, WIDTHS, strict=False)))


def compare(
    ways: dict[str, Ask],
    size: int,
    clients: int,
    arguments: argparse.Namespace,
    bare: Callable[[], object] | None = None,
) -> bool:
    """Time ways against the first of them; print a row each; return whether all targets are met."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    latencies: dict[str, list[float]] = {name: [] for name in ways}
    calls = {name: getattr(ask, "light", ask) for name, ask in ways.items()}
    bare_rates = []
    for call in calls.values():
        call()
    for _ in range(arguments.rounds):
        for name, call in calls.items():
            found, times = rate(call, clients, arguments.seconds)
            rates[name].append(found)
            latencies[name].extend(times)
        if bare is not None:
            bare_rates.append(rate(bare, clients, arguments.seconds / 2)[0])
    met = True
    local = rates[next(iter(ways))]
    ceiling = statistics.median(a / (a + b) for a, b in zip(bare_rates, local, strict=True)) if bare else None
    for name in ways:
        median = statistics.median(rates[name])
        # Rounds are neighbours in time: the ratio within a round is steadier than that of the medians.
        pairs = [a / b for a, b in zip(rates[name], local, strict=True)]
        share = statistics.median(pairs)
        target = TARGETS.get((name, size)) if clients == 1 else None
        verdict = "" if target is None else f"{target} {'ok' if share >= target else 'MISSED'}"
        met &= target is None or share >= target
        row(
            name,
            size,
            clients,
            f"{median:.1f}/s",
            f"{min(latencies[name]) * 1e3:.2f}",
            f"{percentile(latencies[name], 50):.2f}",
            f"{percentile(latencies[name], 99):.2f}",
            f"{share:.2f}",
            f"{ceiling:.2f}" if ceiling and rates[name] is not local else "",
            verdict,
        )
    return met


def json_codec() -> bool:
    """Time decoding and encoding a 512x512x3 float image as JSON; the target is 250 ms."""
    from tfdeconv.serving.codec import json_answer, json_predict

    image = np.random.default_rng(0).random((1, 512, 512, 3), np.float32)
    body = json_answer.build_response({"y": image}, row_form=True).replace(b"predictions", b"instances")
    times, cpu = [], []
    for _ in range(5):
        started, cpu_started = time.perf_counter(), time.process_time()
        inputs = json_predict.parse_request(body).inputs({"x": 1})
        json_answer.build_response(inputs, row_form=True)
        times.append(time.perf_counter() - started)
        cpu.append(time.process_time() - cpu_started)
    np.testing.assert_array_equal(inputs["x"], image)
    milliseconds = statistics.median(times) * 1e3
    busy = statistics.median(cpu) * 1e3
    print(f"\nfloat JSON of 512x512x3, decode and encode: {milliseconds:.0f} ms, CPU {busy:.0f} (target 250)")
    return milliseconds < 250


def main() -> int:
    """Run the chosen parts; the exit code is 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="32,128,256,512", help="image sizes, separated by commas")
    parser.add_argument("--clients", default="1,4", help="numbers of clients, separated by commas")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, help="a model folder; default: export the upscaler")
    parser.add_argument("--memory", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--batching", action="store_true", help="compare batching on and off")
    parser.add_argument("--peers", action="store_true", help="LitServe and BentoML, where installed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = arguments.model.resolve() if arguments.model else export(Path(folder) / MODEL)
        return 0 if run(base, arguments) else 1


def export(base: Path) -> Path:
    """Export the shipped upscaler and return its model folder."""
    import tfdeconv as td

    td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2), base)
    return base


def run(base: Path, arguments: argparse.Namespace) -> bool:
    """Print the tables; return whether all targets are met."""
    version = max((path for path in base.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    sizes = [int(size) for size in arguments.sizes.split(",")]
    clients = [int(count) for count in arguments.clients.split(",")]
    rng = np.random.default_rng(0)
    local = InProcess(version)
    met = True
    with serve(base) as server:
        remote, rest = Grpc(server.grpc_port), Rest(server.rest_port)
        row("way", "size", "clients", "rate", "best ms", "p50 ms", "p99 ms", "share", "bare", "target")
        for size in sizes:
            image = rng.random((1, size, size, 3), np.float32)
            floats = {"in process float": local.floats(image), "gRPC float": remote.floats(image)}
            np.testing.assert_allclose(floats["gRPC float"](), floats["in process float"](), atol=1e-5)
            files = {"in process files": local.files(image), "REST image bytes": rest.files(image)}
            assert files["REST image bytes"]()[0] == files["in process files"]()[0], "the files differ"
            if size <= 32:
                np.testing.assert_allclose(rest.floats(image)(), floats["in process float"](), atol=1e-5)
            with echo(remote.request(image), floats["in process float"]().nbytes) as bare:
                for count in clients:
                    met &= compare(floats, size, count, arguments, bare)
                    met &= compare(files, size, count, arguments)
        image = rng.random((1, 64, 64, 3), np.float32)
        ask = remote.floats(image).light  # type: ignore[attr-defined]
        half = rate(ask, 1, arguments.seconds)[0] / 2
        waits = open_loop(ask, half, arguments.seconds * 3)
        print(
            f"\nopen loop, 64x64 at {half:.0f}/s: p50 {percentile(waits, 50):.2f} ms, "
            f"p99 {percentile(waits, 99):.2f} ms"
        )
        if arguments.memory:
            met &= memory(server, remote.floats(image).light, arguments.memory)  # type: ignore[attr-defined]
        if arguments.peers:
            from harness import serving_peers

            image = rng.random((1, 128, 128, 3), np.float32)
            ours = rest.files(image)
            met &= serving_peers.compare(
                lambda: ours()[0],
                version,
                png(image[0]),
                rate=rate,
                clients=clients,
                seconds=arguments.seconds,
                rounds=arguments.rounds,
            )
    if arguments.batching:
        batching(base, rng.random((1, 64, 64, 3), np.float32), arguments)
    return json_codec() and met


def memory(server: ServerProcess, ask: Callable[[], object], requests: int) -> bool:
    """Print the server's memory before and after so many requests; growth beyond 5 % is a miss."""
    for _ in range(requests // 10):
        ask()
    before = server.resident_megabytes()
    for _ in range(requests):
        ask()
    after = server.resident_megabytes()
    print(f"\nmemory before {before:.0f} MB, after {requests} requests {after:.0f} MB")
    return after < before * 1.05


def batching(base: Path, image: np.ndarray, arguments: argparse.Namespace) -> None:
    """Print the rate of 1 to 32 clients with batching off and on."""
    print()
    row("batching", "size", "clients", "rate", "best ms", "p50 ms", "p99 ms")
    with tempfile.NamedTemporaryFile("w", suffix=".config") as file:
        file.write("max_batch_size { value: 16 } batch_timeout_micros { value: 500 }\n")
        file.write("num_batch_threads { value: 2 } max_enqueued_batches { value: 100 }\n")
        file.flush()
        many = "--grpc_max_threads=40"
        on = ("--enable_batching=true", f"--batching_parameters_file={file.name}", many)
        for name, flags in (("off", (many,)), ("on", on)):
            with serve(base, *flags) as server:
                ask = Grpc(server.grpc_port).floats(image).light  # type: ignore[attr-defined]
                ask()
                for count in (1, 8, 32):
                    found, times = rate(ask, count, arguments.seconds * 3)
                    row(
                        name,
                        image.shape[1],
                        count,
                        f"{found:.1f}/s",
                        f"{min(times) * 1e3:.2f}",
                        f"{percentile(times, 50):.2f}",
                        f"{percentile(times, 99):.2f}",
                    )


if __name__ == "__main__":
    sys.exit(main())
