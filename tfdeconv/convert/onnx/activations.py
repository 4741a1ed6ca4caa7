"""ONNX operators of each sample alone, by ONNX's attributes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from tfdeconv.convert.onnx.arguments import constant, optional
from tfdeconv.convert.operators import activations
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

Steps = list[Step]


def prelu(place: Place, slope: Any = None) -> Steps:
    """PRelu with one slope or one for each channel."""
    slope = constant(slope, "slope (input 1)")
    rank = (2 if place.rank is None else place.rank) + 2
    shape = (1,) * (rank - slope.ndim) + slope.shape
    if slope.size != 1 and slope.size != shape[1]:
        raise ConversionError(
            f"has a slope of shape {slope.shape}; only one, or one for each channel, has an exact layer."
        )
    return activations.prelu(place, slope)


def leaky_relu(place: Place, *, alpha: float = 0.01) -> Steps:
    """LeakyRelu."""
    return activations.leaky_relu(place, alpha)


def elu(place: Place, *, alpha: float = 1.0) -> Steps:
    """Elu."""
    return activations.elu(place, alpha)


def celu(place: Place, *, alpha: float = 1.0) -> Steps:
    """Celu."""
    return [lambda x: keras.ops.celu(x, alpha=alpha)]


def selu(place: Place, *, alpha: float = 1.6732632, gamma: float = 1.050701) -> Steps:
    """Selu with the constants of its paper."""
    if abs(alpha - 1.6732632) > 1e-5 or abs(gamma - 1.050701) > 1e-5:
        raise ConversionError(f"has alpha={alpha} and gamma={gamma}; only those of the paper have a layer.")
    return activations.named(place, "selu")


def gelu(place: Place, *, approximate: str = "none") -> Steps:
    """Gelu."""
    return activations.gelu(place, approximate)


def hard_sigmoid(place: Place, *, alpha: float = 0.2, beta: float = 0.5) -> Steps:
    """HardSigmoid."""
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return activations.named(place, "hard_sigmoid")
    return [lambda x: keras.ops.clip(x * alpha + beta, 0.0, 1.0)]


def thresholded_relu(place: Place, *, alpha: float = 1.0) -> Steps:
    """ThresholdedRelu."""
    return [lambda x: keras.ops.where(x > alpha, x, 0.0)]


def swish(place: Place, *, alpha: float = 1.0) -> Steps:
    """Swish: x * sigmoid(alpha * x)."""
    if alpha == 1:
        return activations.named(place, "silu")
    return [lambda x: x * keras.ops.sigmoid(x * alpha)]


def clip(
    place: Place,
    minimum: Any = None,
    maximum: Any = None,
    *,
    min: float | None = None,
    max: float | None = None,
) -> Steps:
    """Clip; its limits are attributes before opset 11, inputs since."""
    low = optional(minimum, "minimum (input 1)")
    high = optional(maximum, "maximum (input 2)")
    return activations.clip(
        place, min if low is None else float(low.item()), max if high is None else float(high.item())
    )


def _named(keras_name: str, place: Place) -> Steps:
    return activations.named(place, keras_name)


def _pointwise(operation: Step, place: Place) -> Steps:
    return [operation]


RULES: dict[str, Callable[..., Steps]] = {
    "Relu": lambda place: activations.relu(place),
    "LeakyRelu": leaky_relu,
    "Elu": elu,
    "Celu": celu,
    "Selu": selu,
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "ThresholdedRelu": thresholded_relu,
    "Swish": swish,
    "Clip": clip,
    **{
        name: partial(_named, keras_name)
        for name, keras_name in {
            "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign",
            "HardSwish": "hard_silu", "Mish": "mish",
        }.items()
    },
    **{
        {"neg": "Neg", "square": "Square", "rsqrt": "Rsqrt"}.get(name, name.capitalize()): partial(
            _pointwise, operation
        )
        for name, operation in activations.POINTWISE.items()
        if name not in ("square", "rsqrt", "expm1", "log10", "log1p", "log2", "trunc")
    },
}  # fmt: skip
"""Operators that treat all elements alike, in whatever order they lie."""
