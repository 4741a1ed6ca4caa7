"""What the examples of docstrings cannot run without: skipped, with the reason, where it is missing."""

from __future__ import annotations

import importlib.util

import pytest

# Modules that import Ray where they begin: their examples, and what runs in a process of its own.
collect_ignore_glob = ["tests/cluster/serving/*_scenario.py"]
if importlib.util.find_spec("ray") is None:
    collect_ignore_glob.append("tfdeconv/cluster/serving/*")
NEEDS = {"tfdeconv.export.portable.export.export_portable": ("onnx", "onnxruntime")}
"""Example -> the packages of extras that it uses."""


@pytest.fixture(autouse=True)
def _skip_an_example_without_its_packages(request: pytest.FixtureRequest) -> None:
    for package in NEEDS.get(request.node.name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the example needs {package}, which is not installed")
