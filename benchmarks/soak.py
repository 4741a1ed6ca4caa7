"""Hours of mixed load on `tfdeconv serve`: nobody who asks properly may notice what others do to the server.

    python benchmarks/soak.py --minutes 180             # about a tenth of a core
    python benchmarks/soak.py --minutes 10 --load 10    # the same in a hurry

Good requests of several sizes over both protocols run all the time. Beside them operators reload the
configuration, move labels and replace versions, and ill-behaved clients send JSON, gzip and picture bombs,
cancel calls, hang up and stall. Fails if a single good request fails, is answered with other numbers than
the first time, or takes longer than 20 seconds; if an ill-behaved request is answered with an internal
error; or if the server's memory, threads or open files in the last tenth of the run are above those of the
first third (of three hours, the first) by more than `--memory` MB, 20 threads or 50 files. Interrupted, it
reports what it has seen.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from harness.server_process import free_port, wait_for
from harness.soak_clients import LONGEST_ANSWER, Bad, Good, Operator, Record

from tfdeconv.client import connect


@dataclasses.dataclass
class Resources:
    """What the server holds at one moment."""

    megabytes: float
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Resources:
        """Read them."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        folder = Path(f"/proc/{pid}")
        return cls(
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            len(list((folder / "task").iterdir())),
            len(list((folder / "fd").iterdir())),
        )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def repeat(name: str, call: Callable[[], None], pause: float, record: Record, ended: threading.Event) -> None:
    """Call once in about ``pause`` seconds until the end."""
    while not ended.wait(pause * random.uniform(0.5, 1.5)):
        started, failure = time.monotonic(), None
        try:
            call()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"{type(error).__name__}: {str(error)[:300]} ({where.name}, line {where.lineno})"
            print(f"{time.strftime('%X')} {name}: {failure}", flush=True)
        record.call(name, time.monotonic() - started, failure)


def main() -> int:
    """Run until the time is over or a signal comes; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=180.0)
    parser.add_argument("--load", type=float, default=1.0, help="how many times as often everything happens")
    parser.add_argument("--memory", type=float, default=150.0, help="largest growth in MB")
    parser.add_argument("--flags", default="", help="more flags for the server, separated by blanks")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), arguments)


def run(base: Path, arguments: argparse.Namespace) -> int:
    """Start the server and everybody who talks to it; report."""
    export = [sys.executable, "-m", "tfdeconv.cli", "export", str(base / "steady"), "--scale", "2"]
    subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(base / "steady" / "1", base / "steady" / "2")
    shutil.copytree(base / "steady" / "1", base / "moving" / "1")
    (base / "models.config").write_text(Operator(base, None).config((1,), 1))  # type: ignore[arg-type]
    (base / "monitoring.config").write_text("prometheus_config { enable: true }")
    grpc_port, rest_port = free_port(), free_port()
    command = [sys.executable, "-m", "tfdeconv.cli", "serve", "--host=127.0.0.1", f"--port={grpc_port}"]
    command += [f"--rest_api_port={rest_port}", f"--model_config_file={base / 'models.config'}"]
    command += [f"--monitoring_config_file={base / 'monitoring.config'}", *arguments.flags.split()]
    log = (base / "server.log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{rest_port}/v1/models/steady", server)
        return watch(base, server, grpc_port, rest_port, arguments)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        finally:
            server.kill()
            log.close()
            print((base / "server.log").read_text(errors="replace")[-2000:])


def watch(
    base: Path, server: subprocess.Popen[bytes], grpc_port: int, rest_port: int, arguments: argparse.Namespace
) -> int:
    """Let everybody talk to the server while its resources are watched."""
    record, ended = Record(), threading.Event()
    grpc_url, rest_url = f"grpc://127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}"
    good, bad = Good(grpc_url, rest_url), Bad(grpc_port, rest_port, record)
    operator = Operator(base, connect(grpc_url, timeout=60))
    # Seconds from one call to the next.
    calls: dict[str, tuple[Callable[[], None], float]] = {
        "good: gRPC, 16x16": (lambda: good.floats("grpc", 16), 0.5),
        "good: gRPC, label": (lambda: good.floats("grpc", 8, label="stable"), 2),
        "good: gRPC, model that is replaced": (lambda: good.floats("grpc", 16, model="moving"), 0.7),
        "good: gRPC, 512x512": (lambda: good.floats("grpc", 512), 20),
        "good: gRPC, file": (lambda: good.file("grpc"), 7),
        "good: REST, 16x16": (lambda: good.floats("rest", 16), 1),
        "good: REST, model that is replaced": (lambda: good.floats("rest", 8, model="moving"), 1.5),
        "good: REST, 192x192": (lambda: good.floats("rest", 192), 15),
        "good: REST, file": (lambda: good.file("rest"), 7),
        "good: REST, gzip to a label": (good.packed, 11),
        "good: states and health": (good.looks, 10),
        "operator: reload": (operator.reload, 60),
        "operator: replace a version": (operator.replace, 75),
        "operator: half a version": (operator.half_copy, 200),
        "bad: bomb": (bad.bomb, 45),
        "bad: picture bomb": (bad.picture_bomb, 30),
        "bad: cancel": (bad.cancel, 12),
        "bad: short deadline": (bad.short_deadline, 12),
        "bad: hang up": (bad.hang_up, 20),
        "bad: stall": (bad.stall, 90),
    }
    threads = [
        threading.Thread(target=repeat, args=(name, call, pause / arguments.load, record, ended), daemon=True)
        for name, (call, pause) in calls.items()
    ]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    samples: list[Resources] = []
    started, before = time.monotonic(), cpu_seconds(server.pid)
    for thread in threads:
        thread.start()
    pause = min(5.0, arguments.minutes * 60 / 100)
    while not ended.is_set() and time.monotonic() - started < arguments.minutes * 60:
        if server.poll() is not None:
            record.failures.append(f"the server ended with {server.returncode}")
            break
        samples.append(Resources.of(server.pid))
        if len(samples) % 60 == 1:
            print(f"{time.strftime('%X')} {sum(record.calls.values())} calls, {samples[-1]}", flush=True)
        ended.wait(pause)
    ended.set()
    seconds = time.monotonic() - started
    for thread in threads:
        thread.join(70)
    used = cpu_seconds(server.pid) - before if server.poll() is None else 0.0
    return report(record, samples, seconds, used, arguments)


def report(
    record: Record, samples: list[Resources], seconds: float, used: float, arguments: argparse.Namespace
) -> int:
    """Print what has been seen; return the exit code."""
    for name in sorted(record.calls):
        print(f"{name:<40} {record.calls[name]:>8} calls, slowest {record.slowest[name]:6.2f} s")
        if name.startswith("good") and record.slowest[name] > LONGEST_ANSWER:
            record.failures.append(f"{name}: {record.slowest[name]:.1f} s")
    for text, count in sorted(record.outcomes.items()):
        print(f"  {text}: {count}")
    tenth = max(1, len(samples) // 10)
    parts = [samples[start : start + tenth] for start in range(0, tenth * 10, tenth)]
    for name, most in (("megabytes", arguments.memory), ("threads", 20), ("files", 50)):
        levels = [statistics.median(getattr(sample, name) for sample in part) for part in parts if part]
        print(f"{name} in each tenth: {', '.join(f'{level:.0f}' for level in levels)}")
        third = samples[: max(1, len(samples) // 3)]
        grown = levels[-1] - statistics.median(getattr(sample, name) for sample in third)
        if grown > most:
            record.failures.append(f"{name} grew by {grown:.0f}")
    cores = f"the server used {used / seconds:.2f} cores, the clients {time.process_time() / seconds:.2f}"
    print(f"{seconds / 60:.1f} minutes, {sum(record.calls.values())} calls; {cores}")
    print(f"{len(record.failures)} failures")
    for failure in record.failures[:50]:
        print(f"  {failure}")
    return 1 if record.failures else 0


if __name__ == "__main__":
    sys.exit(main())
