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
import os, sys, threading
from pathlib import Path
from tfdeconv.serving.launch.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = int(Path("/proc/self/statm").read_text().split()[1])
step, end = threading.Barrier(8 * os.cpu_count() + 1), threading.Event()

def answer():
    blocks = [bytes(100_000) for _ in range(200)]
    step.wait()
    del blocks
    step.wait()
    end.wait()

threads = [threading.Thread(target=answer) for _ in range(8 * os.cpu_count())]
for thread in threads:
    thread.start()
step.wait()
step.wait()
print((int(Path("/proc/self/statm").read_text().split()[1]) - before) * 4096 >> 20)
end.set()
for thread in threads:
    thread.join()
"""


def _faults(mode: str) -> int:
    """Page faults for each 24 MB block that a thread allocates and frees, in a process of its own."""
    return _printed(_FAULTS, mode)


def _printed(program: str, mode: str) -> int:
    command = [sys.executable, "-c", program, mode]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_freed_memory_is_reused() -> None:
    """A block costs its page faults once; as glibc is set by default it costs them every time."""
    assert _faults("keep") < 100
    assert _faults("default") > 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_what_is_kept_does_not_grow_with_the_threads() -> None:
    """Eight threads a core free 20 MB each: at most 32 MB for each of a few heaps stay with the process."""
    assert _printed(_HELD, "keep") < 40 * ((os.cpu_count() or 1) + 1)
