"""An ONNX graph under construction, with image tensors in ONNX's own layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv.extras import require

OPSET = 17
"""Of 2022: read by every ONNX Runtime from 1.12 on."""
IR_VERSION = 8
"""What belongs to that opset."""


END = 2**31 - 1
"""Past the end of any axis, for slices."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: Its name in the ONNX graph.
        shape: Its shape as Keras has it; None where a size is free.
        dtype: Its type, by NumPy's name.
        moved: Whether the graph holds it with the last axis moved behind the batch, as ONNX's
            convolutions take channels-last images.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    moved: bool = False

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def axis(self, axis: int) -> int:
        """Return where the graph holds Keras's ``axis``.

        Example:
            >>> Value("x", (None, 4, 5, 3), "float32", moved=True).axis(-1)
            1
        """
        axis %= self.rank
        if not self.moved or axis == 0:
            return axis
        return 1 if axis == self.rank - 1 else axis + 1


class Graph:
    """Nodes and constants; the methods return names of tensors."""

    def __init__(self) -> None:
        self._onnx = require("onnx", extra="onnx", feature="Writing an ONNX file")
        self._nodes: list[Any] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._initializers: list[Any] = []
        self._names: set[str] = set()
        self._converted: dict[tuple[str, bool], str] = {}
        self.scope = ""

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node, named after the layer that is being written; returns its output, or their names."""
        name = self._unique(f"{self.scope}/{operator}")
        names = [name if number == 0 else self._unique(f"{name}_{number}") for number in range(outputs)]
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: str | None = None) -> str:
        """Add a constant, or return the name of the one that is the same."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._unique(f"{self.scope}/constant")
            self._constants[key] = name
            self._initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """Add a vector of int64, as shapes and axes are given."""
        return self.constant(values, "int64")

    def name(self, value: Value, *, moved: bool) -> str:
        """Return the name of ``value`` in that layout, transposed where it has the other one."""
        if moved == value.moved or value.rank < 3:
            return value.name
        key = (value.name, moved)
        if key not in self._converted:
            rank = value.rank
            order = [0, rank - 1, *range(1, rank - 1)] if moved else [0, *range(2, rank), 1]
            self._converted[key] = self.node("Transpose", value.name, perm=order)
        return self._converted[key]

    def as_images(self, value: Value) -> Value:
        """Return channels-last images as ONNX holds them; anything else as it is."""
        if value.rank not in (4, 5):
            return value
        self.scope = value.name
        name = self.name(value, moved=True)
        self._converted[name, False] = value.name
        return replace(value, name=name, moved=True)

    def spatial(self, value: Value, data_format: str) -> str:
        """Return the name of images ``[batch, channels, *sizes]``."""
        return self.name(value, moved=data_format == "channels_last")

    def images(self, name: str, symbol: keras.KerasTensor, data_format: str) -> Value:
        """Return the value of images that the graph holds as ``[batch, channels, *sizes]``."""
        return Value(name, tuple(symbol.shape), str(symbol.dtype), data_format == "channels_last")

    def broadcast(self, array: npt.NDArray[Any], value: Value) -> str:
        """Add a constant that broadcasts against ``value`` as NumPy would in Keras's layout."""
        if value.moved and array.ndim > 0:
            array = array.reshape([1] * (value.rank - array.ndim) + list(array.shape))
            array = np.moveaxis(array, -1, 1)
        return self.constant(array)

    def cast(self, value: Value, dtype: str) -> Value:
        """Return ``value`` as numbers of another type."""
        if value.dtype == dtype:
            return value
        to = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return replace(value, name=self.node("Cast", value.name, to=to), dtype=dtype)

    def sizes(self, value: Value, data_format: str) -> str:
        """Return the name of the vector of the spatial sizes of ``value``."""
        return self.node(
            "Slice", self.node("Shape", self.spatial(value, data_format)), self.ints(2), self.ints(END)
        )

    def slice(self, name: str, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int]) -> str:
        """Return the name of a block with constant borders."""
        return self.node("Slice", name, self.ints(*starts), self.ints(*ends), self.ints(*axes))

    def model(self, inputs: Sequence[Value], outputs: dict[str, Value], *, name: str, producer: str) -> Any:
        """Return the ``onnx.ModelProto``; inputs and outputs have Keras's layout."""
        helper = self._onnx.helper
        for output, value in outputs.items():
            self._finish(output, value)
        given = [self._info(value.name, value) for value in inputs]
        returned = [self._info(output, value) for output, value in outputs.items()]
        graph = helper.make_graph(self._nodes, name, given, returned, self._initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="tfdeconv",
            producer_version=producer,
        )
        model.ir_version = IR_VERSION
        self._onnx.checker.check_model(model)
        return model

    def _finish(self, output: str, value: Value) -> None:
        """Give ``value`` the name of an output: a transpose of its own where the layout differs."""
        if value.moved:
            rank = value.rank
            operator, attributes = "Transpose", {"perm": [0, *range(2, rank), 1]}
        else:
            operator, attributes = "Identity", {}
        name = self._unique(f"{output}/{operator}")
        node = self._onnx.helper.make_node(operator, [value.name], [output], name=name, **attributes)
        self._nodes.append(node)

    def _info(self, name: str, value: Value) -> Any:
        sizes = [f"{name}_{axis}" if axis else "batch" for axis in range(value.rank)]
        shape = [symbol if size is None else size for size, symbol in zip(value.shape, sizes, strict=True)]
        element = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
        return self._onnx.helper.make_tensor_value_info(name, element, shape)

    def reserve(self, name: str) -> None:
        """Keep the name of an input or output from being used inside."""
        self._names.add(name)

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found
