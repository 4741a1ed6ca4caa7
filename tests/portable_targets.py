"""The formats that tests run through, skipped where a runtime is not installed."""

import pytest

PACKAGES = {
    "onnx": ("onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("onnx", "onnxruntime", "openvino"),
}
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml"}

every_format = pytest.mark.parametrize("target", list(PACKAGES))


def path_for(target, folder, name="model"):
    """Return where to write, or skip the test."""
    for package in PACKAGES[target]:
        pytest.importorskip(package)
    return folder / f"{name}{SUFFIXES[target]}"
