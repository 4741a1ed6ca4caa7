"""Settings of the conformance tests, and their second run, without oneDNN, beside the first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# XLA compiles each case to run it once: quick compilation is what counts.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

HERE = Path(__file__).parent
SWITCHED_OFF = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"


@pytest.fixture(scope="session", autouse=True)
def without_onednn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[float], tuple[int, str]] | None]:
    """Run the tests of this folder once more, in a process whose TensorFlow has oneDNN switched off.

    It starts with the first conformance test, so that two cores are busy. The value is a function that
    waits for the end and returns the exit status and the output; None where no test asks for it.
    """
    if SWITCHED_OFF or not any("test_without_onednn.py" in item.nodeid for item in request.session.items):
        yield None
        return
    output = tmp_path_factory.mktemp("without_onednn") / "output.txt"
    with (
        output.open("w") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE)],
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
            cwd=HERE.parents[1],
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        yield lambda timeout: (process.wait(timeout), output.read_text())
        process.kill()
