"""Nearest-neighbour upsampling by integer factors: every sample repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import partial_shape, reshape


def nearest_upsample(x: Any, factor: int | Sequence[int], *, data_format: str | None = None) -> tf.Tensor:
    """Repeat every sample ``factor`` times along each axis.

    Args:
        x: Tensor ``[batch, *sizes, channels]`` of any dtype with 1, 2 or 3 spatial axes.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *(sizes * factor), channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> nearest_upsample(tf.reshape([1.0, 2.0], [1, 2, 1]), 2).numpy().ravel()
        array([1., 1., 2., 2.], dtype=float32)
    """
    x = as_samples(x, floating=False)
    factors = axis_arguments.per_axis("factor", factor, x.shape.rank - 2)
    first = 2 if is_channels_first(data_format) else 1
    for axis, axis_factor in reversed(list(enumerate(factors, start=first))):
        if axis_factor > 1:
            shape = partial_shape(x)
            shape[axis] *= axis_factor
            x = reshape(tf.stack([x] * axis_factor, axis=axis + 1), shape)
    return x
