"""What the scenarios of several nodes stand on."""

from __future__ import annotations

import subprocess
import sys
import uuid

from cluster import namespaces


def test_processes_are_found_beside_those_of_any_name():
    """Other tests of the machine run commands about files whose names are not text."""
    title = f"sought-{uuid.uuid4().hex}"
    command = [sys.executable, "-c", "print(flush=True); input()", b"photo-\xff", title]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()  # Popen returns a moment before the process has its arguments
            assert namespaces.processes(title) == [process.pid]
            assert process.pid in namespaces.processes("")
        finally:
            process.communicate(b"\n")
    assert namespaces.processes(title) == []
