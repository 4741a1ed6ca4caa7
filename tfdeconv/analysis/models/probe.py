"""Models of one image, made to show what depends on what."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.analysis.models.upsampling_layers import input_shapes, is_channels_first
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_reading import positive_copy


def probe_of(
    model: keras.Model, input_shape: Sequence[int | None] | None
) -> tuple[keras.Model, tuple[int, ...]]:
    """Return the positive copy of a model of one image, and the shape of that image, batch first.

    Raises:
        InvalidArgumentError: The model takes something else.

    Example:
        >>> probe_of(keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1D(1, 3)]), None)[1]
        (1, 8, 1)
    """
    (shape, *others) = input_shapes(model, input_shape)
    if others or len(shape) < 3 or is_channels_first(model):
        raise InvalidArgumentError(
            f"model must take one channels-last image; {model.name!r} takes shapes "
            f"{[shape, *others]}. Analyze the part of it that does."
        )
    return positive_copy(model), shape


def output_sizes(y: tf.Tensor | np.ndarray) -> tuple[int, ...]:
    """Return the spatial sizes of an image with batch and channels.

    Example:
        >>> output_sizes(np.zeros([1, 4, 5, 3]))
        (4, 5)
    """
    if len(y.shape) < 3:
        raise InvalidArgumentError(
            f"model must return one image with its axes; received an output of shape {tuple(y.shape)}."
        )
    return tuple(int(n) for n in y.shape[1:-1])
