"""ONNX files: written node by node, run by ONNX Runtime."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import tfdeconv
from tfdeconv.export.portable.graph import Call, operations
from tfdeconv.export.portable.onnx import (
    activations,
    arithmetic,
    convolutions,
    normalization,
    pooling,
    shapes,
    unpooling,
    upsampling,
)
from tfdeconv.export.portable.onnx.graph import Graph, Value
from tfdeconv.export.portable.onnx.rules import RULES, refuse
from tfdeconv.export.portable.program import Arrays, Program, Runner, first_input
from tfdeconv.extras import require

_ = (activations, arithmetic, convolutions, normalization, pooling, shapes, unpooling)  # fill the table


def check_packages(precision: str) -> None:
    """Raise MissingExtraError where a package is not installed."""
    require("onnx", extra="onnx", feature="Writing an ONNX file")
    require("onnxruntime", extra="onnx", feature="Checking an ONNX file in its runtime")


def write(program: Program, path: Path, precision: str, samples: list[Arrays]) -> None:
    """Write ``program`` to ``path``; ``samples`` calibrate the integers of "int8".

    Raises:
        ExportError: A layer has no ONNX form here; the message names it.
    """
    from tfdeconv.export.portable.onnx import precision as precisions

    precisions.save(model_of(program), path, precision, samples)


def model_of(program: Program) -> Any:
    """Return ``program`` as an ``onnx.ModelProto`` in float32."""
    graph = Graph()
    inputs = [
        Value(tensor.name, shape, str(tensor.dtype))
        for tensor, shape in zip(program.model.inputs, program.input_shapes, strict=True)
    ]
    for value in inputs:
        graph.reserve(value.name)
    taken = [graph.as_images(value) for value in inputs] if _channels_last(program) else inputs

    def apply(call: Call) -> list[Value]:
        graph.scope = call.path
        return _apply(graph, program, call)

    outputs = program.run(taken, apply)
    return graph.model(inputs, outputs, name=program.model.name, producer=tfdeconv.__version__)


def _channels_last(program: Program) -> bool:
    """Whether the model's images have their channels last."""
    formats = {getattr(found.operation, "data_format", None) for found in operations(program.model)}
    return "channels_last" in formats and "channels_first" not in formats


def _apply(graph: Graph, program: Program, call: Call) -> list[Value]:
    pieces = program.rewriting.of(call)
    if pieces is not None:
        value = first_input(call)
        for piece in pieces:
            value = upsampling.write(graph, call, piece, value)
        return [value]
    if type(call.operation) not in RULES:
        raise refuse(
            call,
            "has no ONNX form here. Replace it by layers of Keras or tfdeconv, or export to another format.",
        )
    result = RULES[type(call.operation)](graph, call)
    return result if isinstance(result, list) else [result]


def load(path: Path) -> tuple[Runner, Counter[str]]:
    """Return the file at ``path`` as a function of arrays, and its operations."""
    onnx = require("onnx", extra="onnx", feature="Reading an ONNX file")
    runtime = require("onnxruntime", extra="onnx", feature="Running an ONNX file")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, inputs), strict=True))

    return run, Counter(node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node)
