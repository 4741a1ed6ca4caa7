"""OpenVINO's files (.xml and .bin): converted from ONNX, run by OpenVINO."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tfdeconv.export.portable.onnx import model as onnx_model
from tfdeconv.export.portable.program import Arrays, Program, Runner
from tfdeconv.export.portable.quiet import quiet
from tfdeconv.extras import require


def check_packages(precision: str) -> None:
    """Raise MissingExtraError where a package is not installed."""
    require("openvino", extra="openvino", feature="Writing OpenVINO files")
    require("onnx", extra="openvino", feature="Writing OpenVINO files")
    if precision == "int8":
        require("onnxruntime", extra="openvino", feature="Quantizing for OpenVINO")


def write(program: Program, path: Path, precision: str, samples: list[Arrays]) -> None:
    """Write ``program`` to ``path`` and its weights beside it; ``samples`` calibrate "int8".

    OpenVINO keeps the weights of "float16" in half precision and computes as the device prefers.

    Raises:
        ExportError: A layer cannot be expressed; the message names it.
    """
    openvino = require("openvino", extra="openvino", feature="Writing OpenVINO files")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "model.onnx")
        onnx_model.write(program, source, "int8" if precision == "int8" else "float32", samples)
        with quiet():
            model = openvino.convert_model(str(source))
            openvino.save_model(model, str(path), compress_to_fp16=precision == "float16")


def load(path: Path) -> tuple[Runner, Counter[str]]:
    """Return the files at ``path`` as a function of arrays, and their operations.

    It computes in float32 where the numbers are: left alone, OpenVINO computes in bfloat16 on processors
    that have it.
    """
    openvino = require("openvino", extra="openvino", feature="Running OpenVINO files")
    core = openvino.Core()
    model = core.read_model(str(path))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [output.get_any_name() for output in compiled.outputs]

    def run(inputs: Arrays) -> Arrays:
        results: Any = compiled(inputs)
        return {name: results[number] for number, name in enumerate(names)}

    kinds = Counter(operation.get_type_name() for operation in model.get_ops())
    for bookkeeping in ("Parameter", "Result", "Constant"):
        kinds.pop(bookkeeping, None)
    return run, kinds
