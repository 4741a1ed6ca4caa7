"""The upsampling operations of a SavedModel's graph, with their kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfdeconv.errors import InvalidArgumentError

TRANSPOSED = {
    "Conv2DBackpropInput": 2,
    "Conv3DBackpropInputV2": 3,
    "DepthwiseConv2dNativeBackpropInput": 2,
}
"""Operation -> spatial rank."""

RESIZES = ("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic")


@dataclass(frozen=True)
class GraphUpsampling:
    """One upsampling operation.

    Attributes:
        name: Name of the operation.
        kind: Its type, or "Conv2D + DepthToSpace".
        kernel: The transposed convolution it equals, ``[*kernel_size, filters // groups, channels]``;
            None where it has no kernel of its own (resizing).
        strides: Upsampling factor along each axis; 0 where the sizes leave it open.
        groups: Groups of channels.
    """

    name: str
    kind: str
    kernel: np.ndarray | None
    strides: tuple[int, ...]
    groups: int = 1


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
    versions = [child for child in path.glob("*") if child.name.isdecimal()] if path.is_dir() else []
    for folder in (path, *sorted(versions, key=lambda child: int(child.name), reverse=True)):
        if (folder / "saved_model.pb").is_file():
            return folder
    raise InvalidArgumentError(
        f"path must be a .keras file or a SavedModel folder; {str(path)!r} "
        + ("is neither." if path.exists() else "does not exist.")
    )


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


def upsampling_operations(graph: tf.Graph) -> tuple[GraphUpsampling, ...]:
    """Return the upsampling operations of a graph without variables, in order.

    Operations of one scope that differ in their kernels alone are the groups of one layer.

    Example:
        >>> with tf.Graph().as_default() as graph, tf.name_scope("up"):
        ...     _ = tf.nn.conv_transpose(tf.zeros([1, 4, 4, 1]), tf.ones([3, 3, 1, 1]), [1, 8, 8, 1], 2)
        >>> [(found.name, found.strides) for found in upsampling_operations(graph)]
        [('up/conv_transpose', (2, 2))]
    """
    layers: dict[Any, list[GraphUpsampling]] = {}
    for op in graph.get_operations():
        found = _upsampling(op)
        if found is not None:
            shape = None if found.kernel is None else found.kernel.shape
            scope = found.name.rpartition("/")[0]
            layers.setdefault((scope or found.name, found.kind, found.strides, shape), []).append(found)
    return tuple(_merged(parts) for parts in layers.values())


def _merged(parts: list[GraphUpsampling]) -> GraphUpsampling:
    first = parts[0]
    if len(parts) == 1 or first.kernel is None:
        return first
    kernel = np.concatenate([part.kernel for part in parts if part.kernel is not None], axis=-1)
    scope, groups = first.name.rpartition("/")[0], first.groups * len(parts)
    return GraphUpsampling(scope or first.name, first.kind, kernel, first.strides, groups)


def _upsampling(op: Any) -> GraphUpsampling | None:
    if op.type in TRANSPOSED:
        return _transposed(op)
    if op.type == "DepthToSpace":
        return _depth_to_space(op)
    if op.type in RESIZES:
        return GraphUpsampling(_name(op), op.type, None, _resize_factor(op))
    return None


def _name(op: Any) -> str:
    return str(op.name.replace("StatefulPartitionedCall/", "").replace("PartitionedCall/", ""))


def _transposed(op: Any) -> GraphUpsampling:
    first = 2 if op.get_attr("data_format").startswith(b"NC") else 1
    strides = tuple(op.get_attr("strides")[first : first + TRANSPOSED[op.type]])
    kernel = _constant(op.inputs[1])
    groups = 1
    if kernel is not None and op.type.startswith("Depthwise"):
        # [*kernel_size, outputs, inputs per output] -> [*kernel_size, 1, channels] in groups of one output
        groups = kernel.shape[-2]
        kernel = kernel.reshape((*kernel.shape[:-2], 1, -1))
    return GraphUpsampling(_name(op), op.type, kernel, strides, groups)


def _depth_to_space(op: Any) -> GraphUpsampling:
    """The convolution in front of it holds one kernel for each phase (DCR order)."""
    size = op.get_attr("block_size")
    source = op.inputs[0].op
    while source.type in ("BiasAdd", "AddV2", "Identity"):
        source = source.inputs[0].op
    kernel = _constant(source.inputs[1]) if source.type == "Conv2D" else None
    if kernel is None or kernel.shape[-1] % size**2:
        return GraphUpsampling(_name(op), op.type, None, (size, size))
    height, width, channels, outputs = kernel.shape
    phases = kernel.reshape(height, width, channels, size, size, outputs // size**2)
    # output (y * size + r) of the convolution's tap t reads input y + t: it is tap r - t * size
    stamps = phases[::-1, ::-1].transpose(0, 3, 1, 4, 5, 2)
    kernel = stamps.reshape(height * size, width * size, outputs // size**2, channels)
    return GraphUpsampling(_name(op), "Conv2D + DepthToSpace", kernel, (size, size))


def _constant(tensor: Any) -> np.ndarray | None:
    value = tf.get_static_value(tensor)
    while value is None and tensor.op.type in ("Identity", "ReadVariableOp", "Cast"):
        tensor = tensor.op.inputs[0]
        value = tf.get_static_value(tensor)
    return None if value is None else np.asarray(value, np.float64)


def _resize_factor(op: Any) -> tuple[int, ...]:
    sizes = zip(op.inputs[0].shape[1:3], op.outputs[0].shape[1:3], strict=True)
    return tuple(a // b if a and b and a % b == 0 else 0 for b, a in sizes)
