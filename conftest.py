"""What tests and examples of docstrings cannot run without: skipped, with the reason, where it is missing.

Continuous integration installs it all, and sets ``TFDECONV_REQUIRE_ALL``: what is missing then ends the run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# However slow the machine is, an example counts by its outcome; continuous integration tries the same ones in
# every run.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="TFDECONV_REQUIRE_ALL" in os.environ,
)
settings.load_profile("tests")

# Modules that import Ray where they begin: their examples, and what runs in a process of its own.
collect_ignore_glob = ["tests/cluster/*/*_scenario.py"]
if importlib.util.find_spec("ray") is None:
    collect_ignore_glob.append("tfdeconv/cluster/serving/*")
NEEDS = {"tfdeconv.export.portable.export.export_portable": ("onnx", "onnxruntime")}
"""Example -> the packages of extras that it uses."""

PROGRAMS = ("chromium", "node")
MODULES = (
    *("playwright", "nbclient", "nbformat", "griffe", "mkdocs"),
    *("torch", "onnx", "onnxruntime", "onnxscript", "ai_edge_litert", "openvino"),
    *("PIL", "pillow_heif", "pillow_jxl", "upath", "s3fs", "moto", "ray", "tensorflow_serving"),
)
"""What `make check` installs and tests are skipped without."""


def missing() -> list[str]:
    """What of it is not here."""
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    return programs + [name for name in MODULES if importlib.util.find_spec(name) is None]


def pytest_configure() -> None:
    """End the run where tests would be skipped that must not be."""
    if os.environ.get("TFDECONV_REQUIRE_ALL") and (names := missing()):
        raise pytest.UsageError(
            f"TFDECONV_REQUIRE_ALL is set, and tests would be skipped without {', '.join(names)}. "
            "`make browser` installs the programs, `make check` the rest; or unset it."
        )


@pytest.fixture(autouse=True)
def _skip_an_example_without_its_packages(request: pytest.FixtureRequest) -> None:
    for package in NEEDS.get(request.node.name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the example needs {package}, which is not installed")
