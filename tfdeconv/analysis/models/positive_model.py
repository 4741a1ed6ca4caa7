"""A copy of a model whose output grows with each input it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.analysis.models.upsampling_layers import input_shapes, is_channels_first
from tfdeconv.errors import InvalidArgumentError


def positive_copy(model: keras.Model) -> keras.Model:
    """Return ``model`` in float64 with positive kernels, no biases, no activations, and average pooling.

    For positive inputs every path from an input to an output adds a positive amount: what depends on
    what shows in values and gradients.

    Args:
        model: A functional or Sequential model.

    Raises:
        InvalidArgumentError: The model cannot be copied layer by layer.

    Example:
        >>> model = keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1D(1, 3)])
        >>> bool((positive_copy(model).get_weights()[0] > 0).all())
        True
    """
    try:
        copy = keras.models.clone_model(model, clone_function=_positive_layer, recursive=True)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InvalidArgumentError(
            f"model must be a functional or Sequential model whose layers can be copied; {model.name!r} "
            f"cannot: {error}"
        ) from None
    rng = np.random.default_rng(0)
    for variable in copy.variables:
        variable.assign(_positive_values(variable, rng))
    return copy


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


_SATURATING = (
    keras.layers.Activation,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.ReLU,
    keras.layers.Softmax,
)


def _positive_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, _SATURATING):
        return keras.layers.Identity(dtype="float64", name=layer.name)
    kind = type(layer)
    config = {**layer.get_config(), "dtype": "float64"}
    if "activation" in config:
        config["activation"] = "linear"
    for rank in (1, 2, 3):
        if kind is getattr(keras.layers, f"MaxPooling{rank}D"):
            kind = getattr(keras.layers, f"AveragePooling{rank}D")
    return kind.from_config(config)


def _positive_values(variable: Any, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(variable.shape)
    name = variable.name
    if "kernel" in name:
        fan_in = max(int(np.prod(shape[:-1])), 1)
        return rng.uniform(0.5, 1.5, shape) / fan_in
    return np.ones(shape) if name in ("gamma", "alpha", "moving_variance") else np.zeros(shape)
