"""A copy of a model whose output grows with each input it depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfdeconv.errors import InvalidArgumentError


def positive_copy(model: keras.Model) -> keras.Model:
    """Return ``model`` in float64 with positive weights, no biases, no activations and no maxima.

    Averages and sums stand for maxima, sums for differences. For positive inputs every path from an input to
    an output adds a positive amount: what depends on what shows in values and gradients.

    Args:
        model: A functional or Sequential model.

    Raises:
        InvalidArgumentError: The model cannot be copied layer by layer, or a layer chooses samples by value.

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
)

_AFFINE = (keras.layers.Rescaling, keras.layers.Normalization)

_SUMS = (keras.layers.Maximum, keras.layers.Minimum, keras.layers.Subtract)

_SATURATING_OPERATIONS = frozenset(
    {
        "Relu",
        "Relu6",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Gelu",
        "Silu",
        "HardSilu",
        "Sigmoid",
        "HardSigmoid",
        "Tanh",
    }
    | {"Softplus", "Clip", "Absolute"}
)


class _Calculation(keras.Operation):
    """A function of tensors as a node of a graph."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def call(self, *args: Any) -> Any:
        return self._function(*args)


def _positive_operation(operation: keras.Operation) -> keras.Operation:
    """What stands for an operation of ``keras.ops``, or an operator such as ``x - y``."""
    kind = type(operation).__name__
    if kind in _SATURATING_OPERATIONS:
        return _Calculation(lambda x, *bounds: x)
    if kind in ("Maximum", "Minimum", "Subtract"):
        return _Calculation(keras.ops.add)
    given: Any = operation
    if kind in ("Max", "Min"):
        return _Calculation(lambda x: keras.ops.mean(x, axis=given.axis, keepdims=given.keepdims))
    if kind == "MaxPool":
        return _Calculation(
            lambda x: keras.ops.average_pool(
                x, given.pool_size, given.strides, given.padding, given.data_format
            )
        )
    return operation


def _positive_layer(layer: Any) -> Any:
    if not isinstance(layer, keras.layers.Layer):
        return _positive_operation(layer)
    if getattr(layer, "chooses_by_value", False):
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) chooses samples by their values. Analyze the "
            "parts of the model in front of it and behind"
        )
    if isinstance(layer, (*_SATURATING, *_AFFINE)):
        return keras.layers.Identity(dtype="float64", name=layer.name)
    kind = type(layer)
    config = {**layer.get_config(), "dtype": "float64"}
    if kind in _SUMS:
        kind = keras.layers.Add
    if "activation" in config:
        config["activation"] = "linear"
    if kind.__module__.startswith("keras.") and "MaxPooling" in kind.__name__:
        kind = getattr(keras.layers, kind.__name__.replace("MaxPooling", "AveragePooling"))
    return kind.from_config(config)


def _positive_values(variable: Any, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(variable.shape)
    name = variable.name
    if "kernel" in name:
        fan_in = max(int(np.prod(shape[:-1])), 1)
        return rng.uniform(0.5, 1.5, shape) / fan_in
    return np.zeros(shape) if "bias" in name or name in ("beta", "moving_mean") else np.ones(shape)
