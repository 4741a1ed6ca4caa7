"""A copy of a model whose output grows with each input it depends on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

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
