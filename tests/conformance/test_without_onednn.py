"""Other processors and builds have no oneDNN: everything in this folder must hold without it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from tensorflow.python.util import _pywrap_util_port

SWITCHED_OFF = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
ONEDNN_IN_USE = "from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"


@pytest.mark.skipif(SWITCHED_OFF, reason="this is the run without oneDNN")
@pytest.mark.timeout(900)
def test_the_conformance_tests_pass_without_onednn(without_onednn: Any) -> None:
    """The same tests in a process whose TensorFlow has oneDNN switched off, run beside this one."""
    status, output = without_onednn(840)
    assert status == 0, output[-5000:]
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None
    assert int(passed[1]) > 100, output


def test_onednn_is_off_where_it_should_be() -> None:
    """The switch works: otherwise the test above would only repeat the others."""
    assert bool(_pywrap_util_port.IsMklEnabled()) is not SWITCHED_OFF
    if SWITCHED_OFF:
        return
    answer = subprocess.run(
        [sys.executable, "-c", ONEDNN_IN_USE],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "False"
