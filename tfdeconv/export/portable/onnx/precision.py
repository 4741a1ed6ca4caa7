"""ONNX files with smaller numbers: float16, and int8 by ONNX Runtime's static quantization."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tfdeconv.extras import require
from tfdeconv.export.portable.program import Arrays
from tfdeconv.export.portable.quiet import quiet

FEATURE = "Quantizing an ONNX file"


def save(model: Any, path: Path, precision: str, samples: list[Arrays]) -> None:
    """Save the float32 ``model`` with numbers of ``precision``."""
    onnx = require("onnx", extra="onnx", feature="Writing an ONNX file")
    if precision == "int8":
        _quantized(model, path, samples)
        return
    if precision == "float16":
        float16 = require("onnxruntime.transformers.float16", extra="onnx", feature="Writing float16")
        with quiet():
            model = float16.convert_float_to_float16(model, keep_io_types=True)
    onnx.save(model, str(path))


def _quantized(model: Any, path: Path, samples: list[Arrays]) -> None:
    """Per-channel weights; activations by their extremes over the samples, as QuantizeLinear pairs."""
    onnx = require("onnx", extra="onnx", feature=FEATURE)
    quantization = require("onnxruntime.quantization", extra="onnx", feature=FEATURE)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._left = iter(samples)

        def get_next(self) -> Arrays | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        source = Path(folder, "float32.onnx")
        onnx.save(model, str(source))
        quantization.quantize_static(
            str(source),
            str(path),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
