"""Cut a block out of the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import known_shape
from tfdeconv.ops.tensors.sizes_argument import sizes_argument


def crop(x: Any, *, offset: int | Sequence[int], size: Any, data_format: str | None = None) -> tf.Tensor:
    """Return ``x[offset : offset + size]`` along every spatial axis.

    Args:
        x: Tensor ``[batch, *sizes, channels]`` of any dtype with 1, 2 or 3 spatial axes.
        offset: First sample kept, at least 0; an int or one for each axis.
        size: Samples kept: an int or integer scalar tensor, one of them for each axis, or an
            integer tensor ``[rank]``.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *size, channels]``.

    Raises:
        InvalidArgumentError: The block passes the end of ``x``. Sizes known only at run time raise
            ``tf.errors.InvalidArgumentError`` when the graph runs.

    Example:
        >>> x = tf.reshape(tf.range(5), [1, 5, 1])
        >>> crop(x, offset=1, size=3).numpy().ravel()
        array([1, 2, 3], dtype=int32)

    References:
        Caffe's Crop layer, as used by Long, Shelhamer and Darrell 2015.
    """
    x = as_samples(x, floating=False)
    rank = x.shape.rank - 2
    offsets = axis_arguments.per_axis("offset", offset, rank, minimum=0)
    sizes = sizes_argument("size", size, rank)
    first = 2 if is_channels_first(data_format) else 1
    for axis, (begin, wanted) in enumerate(zip(offsets, sizes, strict=True)):
        check_crop(x.shape[first + axis], begin, wanted if isinstance(wanted, int) else None, axis)
    rest = [0, 0] if first == 2 else [0]
    end = [] if first == 2 else [0]
    counts = [*(-1 for _ in rest), *sizes, *(-1 for _ in end)]
    y = tf.slice(x, [*rest, *offsets, *end], tf.stack([tf.cast(count, tf.int32) for count in counts]))
    shape = list(x.shape)
    shape[first : first + rank] = sizes
    return known_shape(y, shape)


def check_crop(available: int | None, offset: int, size: int | None, axis: int) -> None:
    """Raise InvalidArgumentError where a block is known to pass the end of a spatial axis.

    Example:
        >>> check_crop(5, 2, 3, axis=0)
    """
    if available is not None and size is not None and offset + size > available:
        largest = available - size if available >= size else "none, x is too small"
        raise InvalidArgumentError(
            f"offset + size must not pass the {available} samples of spatial axis {axis}; received offset "
            f"{offset} and size {size}. Largest offset for this size: {largest}."
        )
