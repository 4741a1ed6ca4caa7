"""Max pooling that remembers where each maximum was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import Size, known_shape, partial_shape


class PooledWithSwitches(NamedTuple):
    """The result of :func:`max_pool_with_switches`.

    Attributes:
        pooled: The maxima.
        switches: Where each was, int64: ``(row * width + column) * channels + channel`` in the input.

    Example:
        >>> PooledWithSwitches(pooled=1.0, switches=0).switches
        0
    """

    pooled: Any
    switches: Any


def max_pool_with_switches(
    x: Any,
    pool_size: int | Sequence[int],
    *,
    strides: int | Sequence[int] | None = None,
    padding: geometry.ForwardPadding = "valid",
    data_format: str | None = None,
) -> PooledWithSwitches:
    """Max pooling of images, with the position of every maximum.

    Unlike ``tf.nn.max_pool_with_argmax`` it runs under XLA, channels first, and has second-order
    gradients; the positions are the same. Of equal values the first in row-major order wins; NaN
    wins over numbers.

    Args:
        x: Floating-point tensor ``[batch, height, width, channels]``.
        pool_size: Samples of the pooling window; an int or one for each axis.
        strides: Samples between windows; None: ``pool_size``. Smaller ones overlap.
        padding: "valid" drops incomplete windows; "same" keeps them, ``ceil(size / strides)`` windows.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``(pooled, switches)``, both ``[batch, pooled_height, pooled_width, channels]``. A switch is
        ``(row * width + column) * channels + channel``, whatever the data format; each example of the
        batch counts from 0.

    Raises:
        InvalidArgumentError: An argument breaks a rule, or no window fits.

    Example:
        >>> x = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 2, 2, 1])
        >>> pooled, switches = max_pool_with_switches(x, 2)
        >>> pooled.numpy().item(), switches.numpy().item()
        (5.0, 1)

    References:
        Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2.1.
    """
    x = as_samples(x, rank=2)
    window = axis_arguments.per_axis("pool_size", pool_size, 2)
    padding = geometry.forward_padding(padding)
    strides = window if strides is None else axis_arguments.per_axis("strides", strides, 2)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    _, height, width, channels = partial_shape(x)
    rows = _axis(height, window[0], strides[0], padding)
    columns = _axis(width, window[1], strides[1], padding)
    pooled, taps = _running_maximum(x, window, strides, (rows, columns))
    down, right = taps // window[1], taps % window[1]
    row = tf.reshape(tf.range(rows.count) * strides[0] - rows.before, [1, -1, 1, 1]) + down
    column = tf.reshape(tf.range(columns.count) * strides[1] - columns.before, [1, 1, -1, 1]) + right
    position = tf.cast(row, tf.int64) * tf.cast(width, tf.int64) + tf.cast(column, tf.int64)
    switches = position * tf.cast(channels, tf.int64) + tf.range(tf.cast(channels, tf.int64))
    if channels_first:
        pooled, switches = to_channels_first(pooled), to_channels_first(switches)
    return PooledWithSwitches(pooled, switches)


class _Axis(NamedTuple):
    """How windows lie along one axis."""

    count: Size
    before: Size
    after: Size

    def span(self, stride: int) -> Size:
        """Samples from the first window's start to the last one's."""
        span = (self.count - 1) * stride + 1
        return max(span, 0) if isinstance(span, int) else tf.maximum(span, 0)


def _axis(size: Size, pool: int, stride: int, padding: geometry.ForwardPadding) -> _Axis:
    maximum = max if isinstance(size, int) else tf.maximum
    count = maximum(geometry.forward_size(size, pool, stride, padding), 0)
    covered = geometry.full_size(count, pool, stride)
    before = geometry.same_lead(covered, size, maximum=maximum)
    return _Axis(count, before, maximum(covered - size, 0) - before)


def _running_maximum(
    x: tf.Tensor, window: tuple[int, ...], strides: tuple[int, ...], axes: tuple[_Axis, ...]
) -> tuple[tf.Tensor, tf.Tensor]:
    """The maximum of every window and the tap, row-major in the window, that holds it."""
    rows, columns = axes
    around = [(0, 0), *((axis.before, axis.after) for axis in axes), (0, 0)]
    padded = tf.pad(x, around, constant_values=tf.constant(float("-inf"), x.dtype))
    # the first tap that lies inside the input, so that a window of -inf points there
    top = tf.maximum(rows.before - tf.range(rows.count) * strides[0], 0)
    left = tf.maximum(columns.before - tf.range(columns.count) * strides[1], 0)
    taps = tf.reshape(top, [1, -1, 1, 1]) * window[1] + tf.reshape(left, [1, 1, -1, 1])
    best: tf.Tensor = None
    for down in range(window[0]):
        for right in range(window[1]):
            value = padded[
                :,
                down : down + rows.span(strides[0]) : strides[0],
                right : right + columns.span(strides[1]) : strides[1],
            ]
            if best is None:
                best = value
                taps = tf.broadcast_to(taps, tf.shape(value))
                continue
            wins = tf.logical_or(value > best, tf.math.is_nan(value))
            best = tf.where(wins, value, best)
            taps = tf.where(wins, down * window[1] + right, taps)
    shape = [x.shape[0], *(axis.count for axis in axes), x.shape[3]]
    return known_shape(best, shape), known_shape(taps, shape)
