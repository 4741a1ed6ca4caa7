"""Unpooling: put pooled values back where their maxima were."""

from __future__ import annotations

import math
from typing import Any, Literal

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples, as_tensor
from tfdeconv.ops.tensors.shapes import partial_shape, reshape
from tfdeconv.ops.tensors.sizes_argument import sizes_argument

Duplicates = Literal["last", "sum"]


def check_duplicates(duplicates: str) -> None:
    """Raise InvalidArgumentError where ``duplicates`` is neither "last" nor "sum".

    Example:
        >>> check_duplicates("sum")
    """
    if duplicates not in ("last", "sum"):
        raise InvalidArgumentError(f"duplicates must be 'last' or 'sum'; received {duplicates!r}.")


def check_switches(x: Any, switches: Any) -> None:
    """Raise InvalidArgumentError where ``switches`` are no integers of the shape of ``x``.

    Example:
        >>> check_switches(tf.zeros([1, 2, 2, 1]), tf.zeros([1, 2, 2, 1], tf.int64))
    """
    shape, dtype = tf.TensorShape(switches.shape), tf.as_dtype(switches.dtype)
    if not dtype.is_integer or not shape.is_compatible_with(x.shape):
        raise InvalidArgumentError(
            f"switches must be integers of x's shape {x.shape}; received {dtype.name} of shape {shape}."
        )


def max_unpool(
    x: Any,
    switches: Any,
    *,
    output_shape: Any,
    duplicates: Duplicates = "last",
    data_format: str | None = None,
) -> tf.Tensor:
    """Place every value of ``x`` at the position that its switch names; zeros elsewhere.

    Args:
        x: Floating-point tensor ``[batch, pooled_height, pooled_width, channels]``.
        switches: Integer tensor of x's shape from :func:`tfdeconv.ops.max_pool_with_switches` or from
            ``tf.nn.max_pool_with_argmax`` (without ``include_batch_in_index``).
        output_shape: Height and width of the tensor that was pooled: ints or an integer tensor. The
            switches count along its rows, so any other width would misplace them.
        duplicates: What happens where overlapping windows found one maximum. "last": the value of the
            last window in row-major order is kept (Zeiler's unpooling; ``torch.nn.MaxUnpool2d``), so
            that unpooling pooled values gives each maximum once. "sum": values are added, which is the
            adjoint of the pooling.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *output_shape, channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule. A switch outside the output raises
            ``tf.errors.InvalidArgumentError`` on CPUs; under XLA its value is dropped.

    Example:
        >>> x = tf.reshape([7.0], [1, 1, 1, 1])
        >>> print(max_unpool(x, [[[[1]]]], output_shape=(2, 2))[0, :, :, 0].numpy())
        [[0. 7.]
         [0. 0.]]

    References:
        Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2.1.
    """
    x = as_samples(x, rank=2)
    switches = as_tensor("switches", switches)
    check_duplicates(duplicates)
    check_switches(x, switches)
    sizes = sizes_argument("output_shape", output_shape, 2)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x, switches = to_channels_last(x), to_channels_last(switches)
    batch, _, _, channels = partial_shape(x)
    plane = math.prod(tf.cast(size, tf.int64) for size in (*sizes, channels))
    total = tf.cast(batch, tf.int64) * plane
    example = tf.reshape(tf.range(tf.cast(batch, tf.int64)), [-1, 1, 1, 1])
    switches = tf.cast(switches, tf.int64)
    inside = tf.logical_and(switches >= 0, switches < plane)
    targets = tf.reshape(tf.where(inside, switches + example * plane, total), [-1])  # total: out of range
    values = tf.reshape(x, [-1])
    if duplicates == "last":
        order = tf.range(tf.size(values, tf.int64))
        last = tf.math.unsorted_segment_max(order, targets, total)
        values = tf.where(tf.gather(last, targets) == order, values, tf.zeros([], x.dtype))
    y = tf.math.unsorted_segment_sum(values, targets, total)
    y = reshape(y, [batch, *sizes, channels])
    return to_channels_first(y) if channels_first else y
