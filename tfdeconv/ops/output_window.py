"""The window of a transposed convolution over all spatial axes, static where sizes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments

Size: TypeAlias = Any
"""A number of samples: an int where it is known, else an int32 scalar tensor."""


@dataclass(frozen=True)
class OutputWindow:
    """Which samples of the full output are returned, one entry for each spatial axis.

    Attributes:
        leads: Samples dropped at the start.
        tails: Samples dropped at the end; negative where the window passes the end of the full output.
        sizes: Samples returned: full size - lead - tail.
    """

    leads: tuple[Size, ...]
    tails: tuple[Size, ...]
    sizes: tuple[Size, ...]

    @property
    def static(self) -> bool:
        """Whether leads and tails are ints (the sizes follow the input's and may be tensors)."""
        return all(isinstance(crop, int) for crop in self.leads + self.tails)


def spatial_sizes(x: tf.Tensor) -> tuple[Size, ...]:
    """Return the sizes of axes 1 .. rank - 2 of a channels-last tensor, ints where known.

    Example:
        >>> spatial_sizes(tf.zeros([1, 4, 5, 3]))
        (4, 5)
    """
    dynamic = tf.shape(x)
    return tuple(
        dynamic[axis] if x.shape[axis] is None else x.shape[axis] for axis in range(1, x.shape.rank - 1)
    )


def requested_sizes(name: str, value: Any, rank: int) -> tuple[Size, ...]:
    """Return the spatial sizes that a caller asked for, ints where they are known.

    Args:
        name: The argument's name, for the error.
        value: An int or integer scalar tensor, one of them for each axis, or an integer tensor ``[rank]``.
        rank: Number of spatial axes.

    Raises:
        InvalidArgumentError: It is something else, or a known size is below 1.

    Example:
        >>> requested_sizes("output_shape", tf.constant([4, 5]), rank=2)
        (4, 5)
    """
    if tf.is_tensor(value):
        value = _unstacked(name, value, rank)
    holds_tensors = isinstance(value, list | tuple) and any(map(tf.is_tensor, value))
    if not holds_tensors or len(value) != rank:
        return axis_arguments.per_axis(name, value, rank)
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
    return axis_arguments.at_least(1, name, size)


def resolve(
    x: tf.Tensor,
    kernel_size: Sequence[int],
    *,
    strides: Sequence[int],
    padding: Sequence[axis_arguments.AxisPadding],
    output_padding: Sequence[int] | None,
    output_shape: Sequence[Size] | None,
    dilation_rate: Sequence[int],
) -> OutputWindow:
    """Return the window that a convention selects for the channels-last input ``x``.

    Every argument but ``x`` holds one entry for each spatial axis.

    Raises:
        InvalidArgumentError: A size that is known statically is out of its legal range. Sizes known
            only at run time raise ``tf.errors.InvalidArgumentError`` when the graph runs.
    """
    axes = []
    for axis, size in enumerate(spatial_sizes(x)):
        kernel, stride, dilation = kernel_size[axis], strides[axis], dilation_rate[axis]
        full = geometry.full_size(size, kernel, stride, dilation)
        output_size = None if output_shape is None else output_shape[axis]
        extra = None if output_padding is None else output_padding[axis]
        if isinstance(size, int) and (output_size is None or isinstance(output_size, int)):
            lead, returned = geometry.window(
                size,
                kernel,
                stride,
                padding=padding[axis],
                output_padding=extra,
                output_size=output_size,
                dilation_rate=dilation,
            )
            tail = full - lead - returned
        elif output_size is None:
            lead, tail = geometry.crops(
                kernel, stride, padding=padding[axis], output_padding=extra, dilation_rate=dilation
            )
            returned = full - lead - tail
        else:
            first = geometry.smallest_output_size(size, kernel, stride, padding[axis], dilation)
            returned = _checked(output_size, first, stride)
            if padding[axis] == "same":
                lead = geometry.same_lead(full, returned, maximum=tf.maximum)
            else:
                lead, _ = geometry.crops(kernel, stride, padding=padding[axis], dilation_rate=dilation)
            tail = full - lead - returned
        axes.append((lead, tail, returned))
    leads, tails, sizes = zip(*axes, strict=True)
    return OutputWindow(leads, tails, sizes)


def _checked(output_size: Size, first: Size, stride: int) -> tf.Tensor:
    output_size = tf.cast(output_size, tf.int32)
    legal = tf.debugging.Assert(
        tf.logical_and(output_size >= tf.maximum(first, 1), output_size < first + stride),
        ["output_shape must lie in [", first, ",", first + stride - 1, "]; received", output_size],
    )
    with tf.control_dependencies([] if legal is None else [legal]):  # None: checked eagerly
        return tf.identity(output_size)


def take(full: tf.Tensor, window: OutputWindow) -> tf.Tensor:
    """Return the window of the full, channels-last output; zeros where it passes the end.

    Example:
        >>> full = tf.reshape(tf.range(1.0, 6.0), [1, 5, 1])
        >>> take(full, OutputWindow(leads=(1,), tails=(-1,), sizes=(5,))).numpy().ravel()
        array([2., 3., 4., 5., 0.], dtype=float32)
    """
    if not window.static:
        missing = [tf.maximum(-tail, 0) for tail in window.tails]
    else:
        missing = [max(-tail, 0) for tail in window.tails]
    if not window.static or any(missing):
        full = tf.pad(full, [(0, 0), *((0, after) for after in missing), (0, 0)])
    if not window.static:
        begin = tf.stack([0, *window.leads, 0])
        size = tf.stack([-1, *window.sizes, -1])
        return tf.slice(full, begin, size)
    if not any(window.leads) and all(tail <= 0 for tail in window.tails):
        return full
    spatial = (
        slice(lead, None if tail <= 0 else -tail)
        for lead, tail in zip(window.leads, window.tails, strict=True)
    )
    return full[(slice(None), *spatial)]
