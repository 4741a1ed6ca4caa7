"""Other processors and builds have no oneDNN: everything in this folder must hold without it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tensorflow.python.util import _pywrap_util_port

WITHOUT = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
SWITCHED_OFF = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
ONEDNN_IN_USE = (
    "from tensorflow.python.util import _pywrap_util_port; print(_pywrap_util_port.IsMklEnabled())"
)


@pytest.mark.skipif(SWITCHED_OFF, reason="this is the run without oneDNN")
@pytest.mark.timeout(900)
def test_the_conformance_tests_pass_without_onednn() -> None:
    """The same tests in a process whose TensorFlow has oneDNN switched off."""
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(here)]
    result = subprocess.run(
        command, env=WITHOUT, cwd=here.parents[1], capture_output=True, text=True, timeout=840, check=False
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-1000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) > 100, result.stdout


def test_onednn_is_off_where_it_should_be() -> None:
    """The switch works: otherwise the test above would only repeat the others."""
    assert bool(_pywrap_util_port.IsMklEnabled()) is not SWITCHED_OFF
    answer = subprocess.run(
        [sys.executable, "-c", ONEDNN_IN_USE], env=WITHOUT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
