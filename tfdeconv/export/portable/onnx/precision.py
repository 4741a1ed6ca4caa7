"""ONNX files with smaller numbers: float16, and int8 by ONNX Runtime's static quantization."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tfdeconv.export.portable.program import Arrays
from tfdeconv.export.portable.quantization import Node, Ranges, integer_nodes
from tfdeconv.export.portable.quiet import quiet
from tfdeconv.extras import require

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
    """Weights by channel, activations in their ranges, as pairs of QuantizeLinear and DequantizeLinear."""
    onnx = require("onnx", extra="onnx", feature=FEATURE)
    quantization = require("onnxruntime.quantization", extra="onnx", feature=FEATURE)
    shape_inference = require("onnxruntime.quantization.shape_inference", extra="onnx", feature=FEATURE)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self._left = iter(samples[:1])  # the ranges are given below

        def get_next(self) -> Arrays | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        source, prepared = Path(folder, "float32.onnx"), Path(folder, "prepared.onnx")
        onnx.save(model, str(source))
        # folds batch normalization into convolutions
        shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        ranges = _ranges(model, samples)
        chosen = integer_nodes(_nodes(model))
        limits = {name: ranges.of(name) for name in ranges}
        overrides = {
            name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
            for name, (low, high) in limits.items()
        }
        quantization.quantize_static(
            str(prepared),
            str(path),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[node.name for node in model.graph.node if node.name not in chosen],
            extra_options={"TensorQuantOverrides": overrides},
        )


def _nodes(model: Any) -> list[Node]:
    return [
        Node(
            node.name,
            tuple(node.input),
            tuple(node.output),
            node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"),
        )
        for node in model.graph.node
    ]


def _ranges(model: Any, samples: list[Arrays]) -> Ranges:
    """The ranges of every float tensor of the graph."""
    onnx = require("onnx", extra="onnx", feature=FEATURE)
    runtime = require("onnxruntime", extra="onnx", feature=FEATURE)
    probe = type(model)()
    probe.CopyFrom(model)
    known = {output.name for output in probe.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                probe.graph.output.append(onnx.ValueInfoProto(name=name))
    session = runtime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    ranges = Ranges()
    for sample in samples:
        found = {**sample, **dict(zip(names, session.run(names, sample), strict=True))}
        for name, values in found.items():
            if values.dtype == np.float32 and values.size:
                ranges.add(name, values)
    return ranges
