"""Memory freed by one request is there for the next."""

import os
import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys, threading
from tfdeconv.serving.launch.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

def answers():
    for _ in range(2):
        bytes(24 << 20).count(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        bytes(24 << 20).count(1)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 5)

thread = threading.Thread(target=answers)
thread.start()
thread.join()
"""


_HELD = """
import os, sys, threading, time
from pathlib import Path
from tfdeconv.serving.launch.allocator import keep_freed_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

assert keep_freed_memory(seconds=float(sys.argv[1]))
count = int(sys.argv[2])
before = megabytes()
step, end = threading.Barrier(count + 1), threading.Event()

def answer():
    blocks = [b"x" * 100_000 for _ in range(200)]
    step.wait()
    del blocks
    step.wait()
    end.wait()

threads = [threading.Thread(target=answer) for _ in range(count)]
for thread in threads:
    thread.start()
step.wait()
step.wait()
deadline = time.monotonic() + float(sys.argv[3])
while megabytes() - before > 5 * count and time.monotonic() < deadline:
    time.sleep(0.05)
print(megabytes() - before)
end.set()
for thread in threads:
    thread.join()
"""


def _faults(mode: str) -> int:
    """Page faults for each 24 MB block that a thread allocates and frees, in a process of its own."""
    return _printed(_FAULTS, mode)


def _printed(program: str, *arguments: object) -> int:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_freed_memory_is_reused() -> None:
    """A block costs its page faults once; as glibc is set by default it costs them every time."""
    assert _faults("keep") < 100
    assert _faults("default") > 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_freed_memory_is_given_back() -> None:
    """Of the 20 MB that each of many threads has freed, a quarter at most stays; at first all does."""
    threads = min(8 * (os.cpu_count() or 1), 64)  # each has an arena of its own
    assert _printed(_HELD, 0.1, threads, 60) <= 5 * threads
    assert _printed(_HELD, 600, threads, 0.5) > 10 * threads
