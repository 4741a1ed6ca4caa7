"""LiteRT models in int8: TensorFlow's quantizer, with ranges and operations of our choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

from tfdeconv.export.portable.program import Arrays
from tfdeconv.export.portable.quantization import Node, Ranges, integer_nodes
from tfdeconv.extras import require

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D")


def quantized(converter: Any, signature: str, samples: list[Arrays]) -> bytes:
    """Convert to int8, calibrated by ``samples``; inputs and outputs stay float32.

    The converter's calibration records the extremes of every tensor, which are replaced by the ranges of
    :class:`.Ranges` before the quantizer reads them.
    """
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ((signature, sample) for sample in samples[:1])
    converter._experimental_calibrate_only = True  # no public name; the quantizer below has none either
    calibrated = bytes(converter.convert())
    ranges = _ranges(calibrated, signature, samples)
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(calibrated))
    nodes = []
    for graph in model.subgraphs:
        tensors = [tensor.name.decode() for tensor in graph.tensors]
        for name, tensor in zip(tensors, graph.tensors, strict=True):
            if name in ranges and tensor.quantization is not None and tensor.quantization.min is not None:
                low, high = ranges.of(name)
                tensor.quantization.min, tensor.quantization.max = [low], [high]
        for operator in graph.operators:
            kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            outputs = tuple(tensors[index] for index in operator.outputs)
            inputs = tuple(tensors[index] for index in operator.inputs if index >= 0)
            nodes.append(Node(outputs[0], inputs, outputs, kind in _CONVOLUTIONS))
    chosen = integer_nodes(nodes)
    excluded = {node.name for node in nodes if node.name not in chosen}
    flatbuffer = flatbuffer_utils.convert_object_to_bytearray(model)
    return bytes(mlir_quantize(bytes(flatbuffer), denylisted_nodes=excluded or None))


def _ranges(model: bytes, signature: str, samples: list[Arrays]) -> Ranges:
    litert = require("ai_edge_litert.interpreter", extra="litert", feature="Quantizing for LiteRT")
    interpreter = litert.Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    run = interpreter.get_signature_runner(signature)
    ranges = Ranges()
    for sample in samples:
        run(**sample)
        for details in interpreter.get_tensor_details():
            if details["dtype"] == np.float32 and details["shape"].size:
                try:
                    values = interpreter.get_tensor(details["index"])
                except ValueError:  # a tensor that only the plan of the graph has
                    continue
                ranges.add(details["name"], values)
    return ranges
