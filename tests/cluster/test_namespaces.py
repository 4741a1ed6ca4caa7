"""What the scenarios of several nodes stand on."""

from __future__ import annotations

import subprocess
import sys

from cluster import namespaces


def test_processes_are_found_beside_those_of_any_name():
    """Other tests of the machine run commands about files whose names are not text."""
    command = [sys.executable, "-c", "input()", b"photo-\xff", "sought-by-name"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            assert namespaces.processes("sought-by-name") == [process.pid]
            assert process.pid in namespaces.processes("")
        finally:
            process.communicate(b"\n")
    assert namespaces.processes("sought-by-name") == []
