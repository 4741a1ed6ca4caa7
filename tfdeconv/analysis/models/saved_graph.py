"""A SavedModel's graph, and the transposed convolutions in it with their kernels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfdeconv import version_folders
from tfdeconv.errors import InvalidArgumentError

TRANSPOSED = {
    "Conv2DBackpropInput": 2,
    "Conv3DBackpropInputV2": 3,
    "DepthwiseConv2dNativeBackpropInput": 2,
}
"""Operation -> spatial rank."""


@dataclass(frozen=True)
class GraphUpsampling:
    """One upsampling step of a graph.

    Attributes:
        name: Name of the operation, or of the scope.
        kind: Type of the operation, or of those that matter in the scope.
        kernel: The transposed convolution it equals, ``[*kernel_size, filters // groups, channels]``;
            None where it has none.
        factor: Upsampling factor along each axis.
        groups: Groups of channels.
        own: Whether the kernel is a weight of the model.
        position: Place in the order of the graph's operations.
    """

    name: str
    kind: str
    kernel: np.ndarray | None
    factor: tuple[int, ...]
    groups: int = 1
    own: bool = True
    position: int = 0


def version_folder(path: Path) -> Path:
    """Return the SavedModel folder that ``path`` means: itself, or its newest version.

    Raises:
        InvalidArgumentError: There is none.

    Example:
        >>> version_folder(Path("nowhere"))
        Traceback (most recent call last):
            ...
        tfdeconv.errors.InvalidArgumentError: path must be a .keras file or a SavedModel folder; ...
    """
    folder = version_folders.saved_model(path)
    if folder is not None:
        return folder
    raise InvalidArgumentError(
        f"path must be a .keras file or a SavedModel folder; {str(path)!r} "
        + ("is neither." if path.exists() else "does not exist.")
    )


def load(path: Path) -> Any:
    """Load the SavedModel that ``path`` means.

    Raises:
        InvalidArgumentError: There is none, or it is broken.

    Example:
        >>> load(Path("nowhere"))
        Traceback (most recent call last):
            ...
        tfdeconv.errors.InvalidArgumentError: path must be a .keras file or a SavedModel folder; ...
    """
    folder = version_folder(path)
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # TensorFlow raises what it happens to meet in a broken folder
        raise InvalidArgumentError(f"SavedModel {str(folder)!r} cannot be loaded: {error}") from error


def frozen_signature(loaded: Any) -> Any:
    """Return the signature ``serving_default`` (or the only one) with its variables as constants.

    Example:
        >>> module = tf.Module()
        >>> signature = tf.function(lambda x: {"y": x + 1.0}).get_concrete_function(tf.TensorSpec([1]))
        >>> module.signatures = {"serving_default": signature}
        >>> frozen_signature(module).graph.get_operations()[0].type
        'Placeholder'
    """
    names = list(loaded.signatures)
    if not names:
        raise InvalidArgumentError("the SavedModel must have a signature; received one without any.")
    name = "serving_default" if "serving_default" in names else names[0]
    return convert_variables_to_constants_v2(loaded.signatures[name])


def transposed_convolutions(frozen: Any) -> tuple[GraphUpsampling, ...]:
    """Return the transposed convolutions of a frozen signature, in order.

    Operations of one scope that differ in their kernels alone are the groups of one layer.

    Example:
        >>> @tf.function(input_signature=[tf.TensorSpec([1, 4, 4, 1])])
        ... def up(x):
        ...     with tf.name_scope("up"):
        ...         return tf.nn.conv_transpose(x, tf.ones([3, 3, 1, 1]), [1, 8, 8, 1], 2)
        >>> frozen = convert_variables_to_constants_v2(up.get_concrete_function())
        >>> [(found.name, found.factor) for found in transposed_convolutions(frozen)]
        [('up', (2, 2))]
    """
    layers: dict[Any, list[GraphUpsampling]] = {}
    for position, op in enumerate(frozen.graph.get_operations()):
        if op.type in TRANSPOSED:
            found = _transposed(frozen, op, position)
            shape = None if found.kernel is None else found.kernel.shape
            layers.setdefault((found.name, found.kind, found.factor, shape), []).append(found)
    return tuple(_merged(parts) for parts in layers.values())


def _merged(parts: list[GraphUpsampling]) -> GraphUpsampling:
    first = parts[0]
    kernels = [part.kernel for part in parts if part.kernel is not None]
    if len(kernels) < 2:
        return first
    kernel = np.concatenate(kernels, axis=-1)
    return dataclasses.replace(first, kernel=kernel, groups=first.groups * len(parts))


def _transposed(frozen: Any, op: Any, position: int) -> GraphUpsampling:
    first = 2 if op.get_attr("data_format").startswith(b"NC") else 1
    strides = tuple(op.get_attr("strides")[first : first + TRANSPOSED[op.type]])
    kernel = _constant(frozen, op.inputs[1])
    groups = 1
    if kernel is not None and op.type.startswith("Depthwise"):
        # [*kernel_size, outputs, inputs per output] -> [*kernel_size, 1, channels] in groups of one output
        groups = kernel.shape[-2]
        kernel = kernel.reshape((*kernel.shape[:-2], 1, -1))
    return GraphUpsampling(display_name(op.name), op.type, kernel, strides, groups, position=position)


def _constant(frozen: Any, tensor: Any) -> np.ndarray | None:
    """The value of a tensor; None where it depends on the input."""
    try:
        (value,) = frozen.prune([], [tensor])()
    except (ValueError, tf.errors.InvalidArgumentError):
        return None
    return np.asarray(value, np.float64)


def display_name(name: str) -> str:
    """Return the scope of an operation without TensorFlow's call wrappers.

    Example:
        >>> display_name("StatefulPartitionedCall/model/up/conv2d_transpose")
        'model/up'
    """
    parts = [part for part in name.split("/") if not part.endswith("PartitionedCall")]
    return "/".join(parts[:-1] or parts) or name
