"""What tests are skipped without, and the switch of continuous integration that lets none be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]


def run(path, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_errors.py"],
        cwd=ROOT,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_with_the_switch_a_missing_browser_ends_the_run(tmp_path):
    """The message names what is missing; without the switch nothing is asked for."""
    result = run(str(tmp_path), TFDECONV_REQUIRE_ALL="1")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "tests would be skipped without chromium, node" in result.stderr
    assert run(str(tmp_path), TFDECONV_REQUIRE_ALL="").returncode == 0


def test_continuous_integration_sets_the_switch():
    """Before it runs the tests."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines.index("make check") > next(
        number for number, line in enumerate(lines) if line.startswith("export TFDECONV_REQUIRE_ALL=1")
    )


def test_no_example_of_a_property_has_a_time_limit():
    """A slow or loaded machine says nothing about what is tested."""
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
