"""A TensorFlow Lite interpreter: its signatures, and runs of one signature at a request's sizes.

TensorFlow 2.21's public runner allocates and computes in one call. Here the two are apart, so that sizes
can be tried without computing, and a model without signatures runs in the same way. The calls are those
that ``tf.lite.Interpreter`` makes itself.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfdeconv.serving.models.saved_model_proto import DEFAULT_SIGNATURE, TensorSpec
from tfdeconv.serving.models.session_values import Array, as_array
from tfdeconv.wire import dtypes

_Resolver = tf.lite.experimental.OpResolverType


@dataclasses.dataclass(frozen=True, slots=True)
class LiteSignature:
    """A signature of a TensorFlow Lite file.

    Attributes:
        subgraph: The subgraph that computes it.
        inputs: Input alias to the tensor's index and description.
        outputs: The same for outputs.
    """

    subgraph: int
    inputs: Mapping[str, tuple[int, TensorSpec]]
    outputs: Mapping[str, tuple[int, TensorSpec]]

    def prefixed(self, prefix: str) -> LiteSignature:
        """Return the same signature with ``prefix`` before its tensors' names."""
        inputs, outputs = (
            {
                alias: (index, dataclasses.replace(spec, tensor_name=prefix + spec.tensor_name))
                for alias, (index, spec) in tensors.items()
            }
            for tensors in (self.inputs, self.outputs)
        )
        return LiteSignature(self.subgraph, inputs, outputs)


class LiteInterpreter:
    """One interpreter. Only one thread may use it at a time; different ones run at the same time.

    Args:
        content: The file's bytes. Several interpreters of the same object share its weights.
        delegates: Whether XNNPACK computes what it can, twice as fast as the built-in kernels.
            Defaults to True.

    Raises:
        ValueError: The bytes are no TensorFlow Lite model, or two tensors have one name.
        RuntimeError: The model cannot be built.
    """

    def __init__(self, content: bytes, *, delegates: bool = True) -> None:
        # Said once for each interpreter, and to operators who cannot act on it.
        warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated", UserWarning)
        self._interpreter = tf.lite.Interpreter(
            model_content=content,
            num_threads=1,  # as TensorFlow Serving: the cores are for other requests
            experimental_op_resolver_type=(
                _Resolver.AUTO if delegates else _Resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
        self._wrapper = self._interpreter._interpreter

    def signatures(self) -> dict[str, LiteSignature]:
        """Return the file's signatures by name.

        For a file without any this is ``serving_default`` over all inputs and outputs of the model, under
        their tensors' names as far as the first colon, which is what TensorFlow Serving makes of it.
        """
        found = self._interpreter._get_full_signature_list()
        if not found:
            details = self._interpreter.get_input_details(), self._interpreter.get_output_details()
            inputs, outputs = ({entry["name"]: entry["index"] for entry in entries} for entries in details)
            if (len(inputs), len(outputs)) != tuple(map(len, details)):
                raise ValueError("two inputs or two outputs have the same name")
            found = {DEFAULT_SIGNATURE: {"inputs": _without_port(inputs), "outputs": _without_port(outputs)}}
            return {name: self._signature(0, entry) for name, entry in found.items()}
        subgraph = self._wrapper.GetSubgraphIndexFromSignature
        return {name: self._signature(subgraph(name), entry) for name, entry in sorted(found.items())}

    def _signature(self, subgraph: int, entry: Mapping[str, Mapping[str, int]]) -> LiteSignature:
        def tensors(indices: Mapping[str, int]) -> dict[str, tuple[int, TensorSpec]]:
            return {alias: (index, self._spec(index, subgraph)) for alias, index in sorted(indices.items())}

        return LiteSignature(subgraph, tensors(entry["inputs"]), tensors(entry["outputs"]))

    def _spec(self, index: int, subgraph: int) -> TensorSpec:
        details = self._interpreter._get_tensor_details(index, subgraph)
        shape = tuple(int(size) for size in details["shape_signature"])
        return TensorSpec(details["name"], dtypes.enum_of(np.dtype(details["dtype"])), shape)

    def allocate(self, signature: LiteSignature, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Make room for inputs of these sizes; none of them may be zero.

        Args:
            signature: One of this file's.
            shapes: Input alias to shape.

        Raises:
            RuntimeError: The model cannot take them.
        """
        for alias, shape in shapes.items():
            index, _ = signature.inputs[alias]
            self._wrapper.ResizeInputTensor(index, np.array(shape, np.int32), False, signature.subgraph)
        self._wrapper.AllocateTensors(signature.subgraph)

    def has_empty_tensor(self, signature: LiteSignature) -> bool:
        """Return whether a tensor of three or more axes is empty after ``allocate``.

        Smaller ones may be: lists of axes and shapes of scalars are.
        """
        details = self._interpreter.get_tensor_details(signature.subgraph)
        return any(len(entry["shape"]) > 2 and not np.prod(entry["shape"]) for entry in details)

    def run(self, signature: LiteSignature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return output alias to value, for inputs of the allocated shapes.

        Raises:
            RuntimeError: An operation failed.
            ValueError: An input has another dtype or shape.
        """
        for alias, value in inputs.items():
            self._wrapper.SetTensor(signature.inputs[alias][0], value, signature.subgraph)
        self._wrapper.Invoke(signature.subgraph)
        return {
            alias: as_array(self._wrapper.GetTensor(index, signature.subgraph))
            for alias, (index, _) in signature.outputs.items()
        }


def _without_port(indices: Mapping[str, int]) -> dict[str, int]:
    return {name.partition(":")[0]: index for name, index in indices.items()}
