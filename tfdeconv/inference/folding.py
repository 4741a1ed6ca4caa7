"""Batch normalization folded into the convolution in front of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tfdeconv.inference.fusible_convolution import FULL_PRECISION, fusible_convolution
from tfdeconv.keras_reading import TransposedConvolution, is_convolution


def foldable(convolution: keras.Layer, normalization: keras.Layer) -> bool:
    """Return whether ``normalization`` of the output of ``convolution`` is a scale and shift by filter.

    Example:
        >>> foldable(keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization())
        True
        >>> foldable(keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.BatchNormalization())
        False
    """
    if type(normalization) is not keras.layers.BatchNormalization:
        return False
    if not convolution.compute_dtype == normalization.compute_dtype in FULL_PRECISION:
        return False
    known = is_convolution(convolution) or (
        convolution.built and fusible_convolution(convolution) is not None
    )
    if not known or convolution.activation is not keras.activations.linear:
        return False
    rank = convolution.kernel.shape.rank if convolution.built else len(convolution.kernel_size) + 2
    channel_axis = 1 if convolution.data_format == "channels_first" else rank - 1
    return normalization.axis in (channel_axis, channel_axis - rank)


def scale_and_shift(normalization: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return what inference-time batch normalization multiplies by and adds, in float64.

    Example:
        >>> layer = keras.layers.BatchNormalization(epsilon=3.0)
        >>> layer.build((None, 1))
        >>> scale_and_shift(layer)
        (array([0.5]), array([0.]))
    """
    mean, variance = (
        np.asarray(weight, "float64") for weight in (normalization.moving_mean, normalization.moving_variance)
    )
    scale = 1 / np.sqrt(variance + normalization.epsilon)
    if normalization.scale:
        scale = scale * np.asarray(normalization.gamma, "float64")
    offset = np.asarray(normalization.beta, "float64") if normalization.center else 0.0
    return scale, offset - mean * scale


def fold(
    convolution: TransposedConvolution, normalization: keras.layers.BatchNormalization
) -> TransposedConvolution:
    """Return the transposed convolution whose output is normalized already."""
    scale, shift = scale_and_shift(normalization)
    per_input = scale.reshape(convolution.groups, -1)  # [groups, filters of a group]
    inside = convolution.kernel.shape[-1] // convolution.groups
    kernel = convolution.kernel * per_input.repeat(inside, axis=0).T  # [filters of a group, channels]
    bias = shift if convolution.bias is None else convolution.bias * scale + shift
    dtype = convolution.kernel.dtype
    return replace(convolution, kernel=kernel.astype(dtype), bias=bias.astype(dtype))


def folded_convolution(
    convolution: keras.Layer, normalization: keras.layers.BatchNormalization, *, name: str, dtype: Any
) -> tuple[keras.Layer, list[np.ndarray]]:
    """Return a new Keras convolution with a bias, and the weights to give it once it is built."""
    config: dict[str, Any] = {**convolution.get_config(), "name": name, "use_bias": True, "dtype": dtype}
    config.pop("lora_rank", None)  # the attribute `kernel` has the adaptation already
    scale, shift = scale_and_shift(normalization)
    kernel = np.asarray(convolution.kernel) * scale  # the filters are the last axis
    bias = shift if convolution.bias is None else np.asarray(convolution.bias) * scale + shift
    return type(convolution).from_config(config), [kernel, bias]
