"""LiteRT files (TensorFlow Lite's flatbuffers): written by TensorFlow's converter, run by ai-edge-litert."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.errors import ExportError
from tfdeconv.export.portable.graph import Call, operations
from tfdeconv.export.portable.litert import unpooling, upsampling
from tfdeconv.export.portable.litert.quantization import quantized
from tfdeconv.export.portable.program import Arrays, Program, Runner, first_input, size_request
from tfdeconv.export.portable.quiet import quiet
from tfdeconv.extras import require
from tfdeconv.layers import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, CropLike, MaxUnpooling2D
from tfdeconv.layers.requested_output import requested_sizes
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D

SIGNATURE = "serving_default"


def check_packages(precision: str) -> None:
    """Raise MissingExtraError where the runtime is not installed."""
    require("ai_edge_litert.interpreter", extra="litert", feature="Checking a LiteRT file in its runtime")


def write(program: Program, path: Path, precision: str, samples: list[Arrays]) -> None:
    """Write ``program`` to ``path``; ``samples`` calibrate the integers of "int8".

    Raises:
        ExportError: LiteRT cannot express a layer; the message names it.
    """
    module, concrete = _module(program)
    with tempfile.TemporaryDirectory() as folder, quiet():
        tf.saved_model.save(module, folder, signatures={SIGNATURE: concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        try:
            if precision == "int8":
                flatbuffer = quantized(converter, SIGNATURE, samples)
            else:
                flatbuffer = converter.convert()
        except Exception as error:  # the converter has an exception for each of its stages
            raise ExportError(
                _reason(str(error), [found.path for found in operations(program.model)])
            ) from error
    path.write_bytes(flatbuffer)


def load(path: Path) -> tuple[Runner, Counter[str]]:
    """Return the file at ``path`` as a function of arrays, and its operations."""
    litert = require("ai_edge_litert.interpreter", extra="litert", feature="Running a LiteRT file")
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    listing = litert.Interpreter(str(path), experimental_op_resolver_type=plain)
    found = Counter(details["op_name"] for details in listing._get_ops_details())

    def run(inputs: Arrays) -> Arrays:
        interpreter = litert.Interpreter(str(path), num_threads=os.cpu_count())
        outputs: Arrays = interpreter.get_signature_runner(SIGNATURE)(**inputs)
        return outputs

    return run, found


def _module(program: Program) -> tuple[tf.Module, Any]:
    specs = [
        tf.TensorSpec(shape, tensor.dtype, name=tensor.name)
        for tensor, shape in zip(program.model.inputs, program.input_shapes, strict=True)
    ]

    @tf.function(input_signature=specs, autograph=False)
    def function(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return program.run(inputs, lambda call: _apply(program, call))

    module = tf.Module()
    module.variables_of_the_model = [variable.value for variable in program.model.variables]
    concrete = function.get_concrete_function()
    module.function = function
    return module, concrete


def _apply(program: Program, call: Call) -> list[Any]:
    pieces = program.rewriting.of(call)
    with tf.name_scope(_scope(call.path)):
        if pieces is None:
            return _with_known_sizes(_layer(call), call)
        x = first_input(call)
        for piece in pieces:
            output_shape, like = size_request(call)
            rank = len(x.shape) - 2
            sizes = requested_sizes(output_shape, like, rank=rank, data_format=piece.data_format)
            if tf.is_tensor(sizes):
                sizes = tf.unstack(sizes, rank)
            upsampling.check(piece, call.path)
            x = upsampling.compute(piece, x, sizes)
        return _with_known_sizes([x], call) if any(value is not None for value in size_request(call)) else [x]


def _layer(call: Call) -> list[Any]:
    if type(call.operation) is MaxUnpooling2D:
        unpooling.check(call.operation, call.path)
        return [unpooling.unpool(call.operation, first_input(call), *size_request(call))]
    outputs: list[Any] = keras.tree.flatten(call.operation(*call.args, **call.kwargs))
    return outputs


_RESIZING = (CropLike, PadToMultiple2D, MaxUnpooling2D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose)
"""Layers whose output sizes follow from tensors, where the converter loses the known ones."""


def _with_known_sizes(outputs: list[Any], call: Call) -> list[Any]:
    """State the known sizes in the graph: LiteRT's convolutions need known channels."""
    if type(call.operation) not in _RESIZING:
        return outputs
    shaped = []
    for value, symbol in zip(outputs, call.outputs, strict=True):
        dynamic = tf.shape(value)
        shape = [dynamic[axis] if size is None else size for axis, size in enumerate(symbol.shape)]
        shaped.append(tf.reshape(value, shape) if None in symbol.shape[1:-1] else value)
    return shaped


def _scope(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", path).lstrip("_-/\\>") or "layer"


def _reason(message: str, paths: list[str]) -> str:
    """The converter's message in a sentence that names the layer."""
    where = re.search(r'fused\["(\w+):", "([^"@]+)', message)
    if where is not None:
        path = max((path for path in paths if where[2].startswith(_scope(path))), key=len, default=where[2])
        return (
            f"Layer {path!r} needs the operation {where[1]}, which LiteRT does not have in this form. "
            "Replace the layer, or export to another format."
        )
    lines = [line for line in message.splitlines() if line.strip()]
    return f"TensorFlow's converter to LiteRT refuses the model: {' '.join(lines)[:500]}"
