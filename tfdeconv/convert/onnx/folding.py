"""Nodes of ONNX graphs that compute with constants and sizes only: they are computed, not converted."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfdeconv.convert.by_size.sizes import UnknownSize, greatest, toward_zero
from tfdeconv.convert.messages import one_line
from tfdeconv.errors import ConversionError
from tfdeconv.extras import require

Array = npt.NDArray[Any]

RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)
"""Operators without inputs or with constant ones that are no constants."""


def fold(proto: Any, inputs: Sequence[Array | None], opset: int) -> list[Any]:
    """Return the outputs of a node whose inputs are all constant.

    The reference implementation of ONNX computes them.

    Raises:
        ConversionError: It cannot.
    """
    helper = require("onnx.helper", extra="convert", feature="Reading an ONNX model")
    reference = require("onnx.reference", extra="convert", feature="Reading an ONNX model")
    names = [name for name in proto.input if name]
    given = {name: array for name, array in zip(proto.input, inputs, strict=True) if name}
    graph = helper.make_graph(
        [proto],
        "folded",
        [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)],
        [helper.make_empty_tensor_value_info(name) for name in proto.output if name],
    )
    # the reference knows no older DequantizeLinear, whose meaning is the same
    opset = max(opset, 19) if proto.op_type in ("DequantizeLinear", "QuantizeLinear") else opset
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        return list(reference.ReferenceEvaluator(model).run(None, given))
    except Exception as error:  # whatever NumPy and the reference say of a broken node
        raise ConversionError(
            f"Node {proto.name!r} ({proto.op_type}) computes with constants in a way that ONNX's reference "
            f"implementation cannot: {one_line(error)}"
        ) from error


def has_unknown(array: Any) -> bool:
    """Whether an array of sizes holds one that is unknown.

    Example:
        >>> has_unknown(np.array([2, UnknownSize(None)], object))
        True
    """
    return isinstance(array, np.ndarray) and array.dtype == object


def sizes_array(sizes: Any) -> Array:
    """Return integers where all sizes are known, and an array of objects otherwise."""
    array = np.asarray(sizes, object)
    if any(isinstance(size, UnknownSize) for size in array.ravel()):
        return array
    return array.astype(np.int64)


def fold_sizes(op_type: str, inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array | None:
    """Return the output of a node that computes with unknown sizes; None where it is none of these."""
    rule = SIZE_RULES.get(op_type)
    return None if rule is None else sizes_array(rule(inputs, attributes))


def _elementwise(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def rule(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        first, second = (np.asarray(_exact(array), object) for array in inputs)
        return np.vectorize(operation, otypes=[object])(first, second)

    return rule


def _exact(array: Any) -> Any:
    """Sizes that came through a float, as whole numbers where they are."""
    array = np.asarray(array)
    if array.dtype == object or not np.issubdtype(array.dtype, np.floating):
        return array
    return np.array([int(x) if x == int(x) else float(x) for x in array.ravel()], object).reshape(array.shape)


def _modulo(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    operation = _remainder if attributes.get("fmod") else operator.mod
    return _elementwise(operation)(inputs, attributes)


def _remainder(first: Any, second: Any) -> Any:
    """C's remainder, with the sign of the first number."""
    return first - second * toward_zero(first, second)


def _divide(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    """A quotient: of floats as it is, of integers towards zero."""
    of_floats = any(np.issubdtype(np.asarray(array).dtype, np.floating) for array in inputs)
    return _elementwise(operator.truediv if of_floats else toward_zero)(inputs, attributes)


def _each(operation: Callable[[Any], Any]) -> Callable[..., Any]:
    def rule(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        return np.vectorize(operation, otypes=[object])(np.asarray(inputs[0], object))

    return rule


def _cast(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    """Whole numbers as they are; others towards zero where they become integers."""
    helper = require("onnx.helper", extra="convert", feature="Reading an ONNX model")
    dtype = helper.tensor_dtype_to_np_dtype(attributes["to"])
    return _each(math.trunc)(inputs, attributes) if np.issubdtype(dtype, np.integer) else inputs[0]


def _variadic(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def rule(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        result = inputs[0]
        for array in inputs[1:]:
            result = _elementwise(operation)([result, array], attributes)
        return result

    return rule


def _negative(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    return _elementwise(operator.mul)([inputs[0], np.int64(-1)], attributes)


def _slice(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    sizes, *numbers = inputs
    if not numbers:
        numbers = [attributes["starts"], attributes["ends"], attributes.get("axes")]
    starts, ends = (np.ravel(number) for number in numbers[:2])
    axes, steps = (None if number is None else np.ravel(number) for number in (*numbers[2:], None, None)[:2])
    for axis, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = 1 if steps is None else int(steps[axis])
        along = (slice(None),) * int(axis if axes is None else axes[axis])
        sizes = sizes[(*along, slice(int(start), None if int(end) < -(2**62) else int(end), step))]
    return sizes


def _unsqueeze(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    return np.reshape(inputs[0], (*inputs[0].shape, 1) if inputs[0].ndim else (1,))


SIZE_RULES: dict[str, Callable[..., Any]] = {
    "Add": _elementwise(operator.add),
    "Sub": _elementwise(operator.sub),
    "Mul": _elementwise(operator.mul),
    "Div": _divide,
    "Mod": _modulo,
    "Neg": _negative,
    "Gather": lambda inputs, attributes: np.take(inputs[0], np.asarray(inputs[1], int), axis=0),
    "Slice": _slice,
    "Concat": lambda inputs, attributes: np.concatenate([np.asarray(array, object) for array in inputs]),
    "Unsqueeze": _unsqueeze,
    "Squeeze": lambda inputs, attributes: np.reshape(inputs[0], ()),
    "Cast": _cast,
    "Floor": _each(math.floor),
    "Ceil": _each(math.ceil),
    "Identity": lambda inputs, attributes: inputs[0],
    "Max": _variadic(greatest),
    "Min": _variadic(lambda first, second: -greatest(-first, -second)),
    "Reshape": lambda inputs, attributes: np.reshape(inputs[0], np.asarray(inputs[1], int)),
    "Transpose": lambda inputs, attributes: np.transpose(inputs[0], attributes.get("perm")),
    "Shape": lambda inputs, attributes: np.asarray(
        inputs[0].shape[attributes.get("start", 0) : attributes.get("end")]
    ),
}
"""What exporters compute with sizes."""
