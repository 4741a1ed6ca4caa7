"""What the examples of docstrings cannot run without: skipped, with the reason, where it is missing."""

from __future__ import annotations

import importlib.util

import pytest

NEEDS = {"tfdeconv.export.portable.export.export_portable": ("onnx", "onnxruntime")}
"""Example -> the packages of extras that it uses."""


@pytest.fixture(autouse=True)
def _skip_an_example_without_its_packages(request: pytest.FixtureRequest) -> None:
    for package in NEEDS.get(request.node.name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the example needs {package}, which is not installed")
