"""What is to be written: a functional model, its rewriting, and the shapes and names of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy.typing as npt

from tfdeconv.export.portable import graph
from tfdeconv.export.portable.graph import Apply, Call
from tfdeconv.export.portable.rewriting import Rewriting
from tfdeconv.tiling import output_names

Shape = tuple[int | None, ...]

SEPARATOR = "#"
"""Between a layer's path and the number of its output, where every layer's output is written."""


@dataclass(frozen=True)
class Program:
    """A model to write.

    Attributes:
        model: A functional model.
        rewriting: What its upsampling layers become.
        input_shapes: Shape of each input with the batch; None where it is free.
        every_layer: Whether the output of every layer is an output, to find where a difference begins.
    """

    model: keras.Model
    rewriting: Rewriting
    input_shapes: tuple[Shape, ...]
    every_layer: bool = False

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, those of the Keras tensors."""
        return [tensor.name for tensor in self.model.inputs]

    def run(self, inputs: Sequence[Any], apply: Apply) -> dict[str, Any]:
        """Carry out the model; returns the outputs by name, those of every layer where that is asked for."""
        if not self.every_layer:
            values = graph.run(self.model, inputs, apply)
            return dict(zip(output_names(self.model), values, strict=True))
        record: dict[str, Any] = {}
        graph.run(self.model, inputs, self._recording(apply, record))
        return record

    def _recording(self, apply: Apply, record: dict[str, Any]) -> Apply:
        def recorded(call: Call) -> Sequence[Any]:
            outputs = apply(call)
            if id(call.operation) not in self.rewriting.absorbing:
                for output in outputs:
                    record[f"{call.path}{SEPARATOR}{len(record)}"] = output
            return outputs

        return recorded


def size_request(call: Call) -> tuple[Any, Any]:
    """Return ``output_shape`` and ``like`` of a call of a transposed convolution or unpooling."""
    given = [*call.args[1:], None, None]
    return call.kwargs.get("output_shape", given[0]), call.kwargs.get("like", given[1])


def first_input(call: Call) -> Any:
    """Return what a call reads first."""
    return call.args[0] if call.args else next(iter(call.kwargs.values()))


Arrays = dict[str, npt.NDArray[Any]]

Runner = Callable[[Arrays], Arrays]
"""A written file in its runtime: arrays of the inputs by name in, arrays of the outputs by name out."""
