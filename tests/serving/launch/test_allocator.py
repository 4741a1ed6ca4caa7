"""Memory freed by one request is there for the next."""

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
        bytes(40 << 20).count(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        bytes(40 << 20).count(1)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 5)

thread = threading.Thread(target=answers)
thread.start()
thread.join()
"""


def _faults(mode: str) -> int:
    """Page faults for each 40 MB block that a thread allocates and frees, in a process of its own."""
    command = [sys.executable, "-c", _FAULTS, mode]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_freed_memory_is_reused() -> None:
    """A block costs its page faults once; as glibc is set by default it costs them every time."""
    assert _faults("keep") < 100
    assert _faults("default") > 100
