"""Spatial sizes as users give them: ints, tensors, or a mixture of both."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.shapes import Size


def sizes_argument(name: str, value: Any, rank: int) -> tuple[Size, ...]:
    """Return the spatial sizes that a caller asked for, ints where they are known.

    Args:
        name: The argument's name, for the error.
        value: An int or integer scalar tensor, one of them for each axis, or an integer tensor ``[rank]``.
        rank: Number of spatial axes.

    Raises:
        InvalidArgumentError: It is something else, or a known size is below 0.

    Example:
        >>> sizes_argument("output_shape", tf.constant([4, 5]), rank=2)
        (4, 5)
    """
    if tf.is_tensor(value):
        value = _unstacked(name, value, rank)
    holds_tensors = isinstance(value, list | tuple) and any(map(tf.is_tensor, value))
    if not holds_tensors or len(value) != rank:
        return axis_arguments.per_axis(name, value, rank, minimum=0)
    return tuple(_size(name, size) for size in value)


def _unstacked(name: str, value: tf.Tensor, rank: int) -> list[Size]:
    if not value.dtype.is_integer or value.shape not in (tf.TensorShape([]), tf.TensorShape([rank])):
        raise InvalidArgumentError(
            f"{name} must hold {rank} integers, the spatial sizes alone; received a tensor of dtype "
            f"{value.dtype.name} and shape {value.shape}."
        )
    if value.shape.rank == 0:
        return [value] * rank
    known = tf.get_static_value(value, partial=True)
    if known is None:
        return list(tf.unstack(value, rank))
    return [value[axis] if size is None else int(size) for axis, size in enumerate(known)]


def _size(name: str, size: Any) -> Size:
    if tf.is_tensor(size):
        if not size.dtype.is_integer or size.shape.rank != 0:
            raise InvalidArgumentError(
                f"{name} must hold ints or integer scalars; received a tensor of dtype {size.dtype.name} and "
                f"shape {size.shape}."
            )
        known = tf.get_static_value(size)
        if known is None:
            return size
        size = int(known)
    return axis_arguments.at_least(0, name, size)
