"""The ``output_shape=`` and ``like=`` arguments of a layer's call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.tensors.sizes_argument import sizes_argument


def requested_sizes(output_shape: Any, like: Any, *, rank: int, data_format: str) -> Any:
    """Return the spatial sizes that a call asks for: None, ints, or an integer tensor.

    Raises:
        InvalidArgumentError: Both arguments are given, or ``like`` has another number of axes.

    Example:
        >>> requested_sizes(None, tf.zeros([1, 4, 5, 3]), rank=2, data_format="channels_last")
        (4, 5)
    """
    _exclusive(output_shape, like)
    if like is None:
        return output_shape
    static = symbolic_sizes(None, like, rank=rank, data_format=data_format)
    if static is not None and None not in static:
        return tuple(static)
    first = 2 if data_format == "channels_first" else 1
    return tf.shape(like)[first : first + rank]


def symbolic_sizes(
    output_shape: Any, like: Any, *, rank: int, data_format: str
) -> Sequence[int | None] | None:
    """Return what is known of :func:`requested_sizes` before the sizes have values.

    Example:
        >>> symbolic_sizes(4, None, rank=2, data_format="channels_last")
        (4, 4)
    """
    _exclusive(output_shape, like)
    if like is not None:
        _check_rank(like, rank)
        first = 2 if data_format == "channels_first" else 1
        return tuple(like.shape[first : first + rank])
    if output_shape is None:
        return None
    if isinstance(output_shape, keras.KerasTensor):
        return (None,) * rank  # known at run time only
    sizes = sizes_argument("output_shape", output_shape, rank)
    return tuple(size if isinstance(size, int) else None for size in sizes)


def _check_rank(like: Any, rank: int) -> None:
    shape = getattr(like, "shape", None)
    if shape is None or tf.TensorShape(shape).rank != rank + 2:
        received = repr(like) if shape is None else f"shape {shape}"
        raise InvalidArgumentError(
            f"like must be a tensor of rank {rank + 2} (batch, {rank} spatial axes and channels); received "
            f"{received}."
        )


def _exclusive(output_shape: Any, like: Any) -> None:
    if output_shape is not None and like is not None:
        raise InvalidArgumentError(
            f"output_shape and like exclude each other; received output_shape={output_shape} and like. "
            "Give one of them."
        )
