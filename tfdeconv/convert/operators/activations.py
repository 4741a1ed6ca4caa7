"""Functions of each sample alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError


def named(place: Place, activation: str) -> list[Step]:
    """Return the activation that Keras knows by this name."""
    return [keras.layers.Activation(activation, dtype=place.dtype, name=place.name)]


def relu(place: Place, maximum: float | None = None) -> list[Step]:
    """Return max(x, 0), never above ``maximum``."""
    return [keras.layers.ReLU(max_value=maximum, dtype=place.dtype, name=place.name)]


def leaky_relu(place: Place, slope: float) -> list[Step]:
    """Return x, or ``slope * x`` where x is negative."""
    if slope < 0:  # Keras's layer has none
        return [lambda x: keras.ops.where(x < 0, x * slope, x)]
    return [keras.layers.LeakyReLU(negative_slope=slope, dtype=place.dtype, name=place.name)]


def prelu(place: Place, slope: npt.NDArray[Any]) -> list[Step]:
    """Return PReLU with one slope for all channels or one for each.

    PyTorch and ONNX share the slope along the spatial axes; so does the layer that is returned.
    """
    slopes = np.ravel(slope)
    if slopes.size == 1:
        return leaky_relu(place, float(slopes[0])) if place.rank == 0 else [_prelu(place, slopes)]
    if slope.size != max(slope.shape):
        raise ConversionError(
            f"has a PReLU slope of shape {slope.shape}; only one slope, or one for each channel, "
            "has an exact layer."
        )
    return [_prelu(place, slopes)]


def _prelu(place: Place, slopes: npt.NDArray[Any]) -> keras.layers.Layer:
    spatial = () if place.rank == 0 else place.spatial_axes
    shared = [*spatial, place.channel_axis % (len(spatial) + 2)] if slopes.size == 1 else list(spatial)
    layer = keras.layers.PReLU(shared_axes=shared or None, dtype=place.dtype, name=place.name)
    around: tuple[None, ...] = (None,) * len(spatial)
    channels = len(slopes) if slopes.size > 1 else None
    layer.build((None, channels, *around) if place.channels_first else (None, *around, channels))
    layer.set_weights([slopes.reshape(layer.alpha.shape)])
    if channels is None:  # built for one slope, the layer takes any number of channels
        layer.input_spec = keras.layers.InputSpec(ndim=len(spatial) + 2)
    return layer


def elu(place: Place, alpha: float = 1.0) -> list[Step]:
    """Return x, or ``alpha * (exp(x) - 1)`` where x is negative."""
    return [keras.layers.ELU(alpha=alpha, dtype=place.dtype, name=place.name)]


def gelu(place: Place, approximate: str = "none") -> list[Step]:
    """Return the Gaussian error linear unit, exact ("none") or by tanh."""
    if approximate not in ("none", "tanh"):
        raise ConversionError(f"has approximate={approximate!r}; known are 'none' and 'tanh'.")
    if approximate == "none":
        return named(place, "gelu")
    return [lambda x: keras.ops.gelu(x, approximate=True)]


def softplus(place: Place, beta: float = 1.0) -> list[Step]:
    """Return ``log(1 + exp(beta * x)) / beta``."""
    if beta == 1:
        return named(place, "softplus")
    return [lambda x: keras.ops.softplus(x * beta) / beta]


def clip(place: Place, minimum: float | None, maximum: float | None) -> list[Step]:
    """Return x limited to the range between ``minimum`` and ``maximum``, which wins; None: no limit."""
    if minimum == 0 and (maximum is None or maximum > 0):
        return relu(place, maximum)
    if minimum is None and maximum is None:
        return []
    if minimum is None:
        return [lambda x: keras.ops.minimum(x, maximum)]
    if maximum is None:
        return [lambda x: keras.ops.maximum(x, minimum)]
    if minimum > maximum:  # Keras leaves this case open
        return [lambda x: keras.ops.full_like(x, maximum)]
    return [lambda x: keras.ops.clip(x, minimum, maximum)]


def softmax(place: Place, axis: int, *, log: bool = False) -> list[Step]:
    """Return the softmax, or its logarithm, along an axis of the Keras tensor."""
    if log:
        return [lambda x: keras.ops.log_softmax(x, axis=axis)]
    return [keras.layers.Softmax(axis=axis, dtype=place.dtype, name=place.name)]


POINTWISE: dict[str, Callable[[Any], Any]] = {
    "abs": keras.ops.abs,
    "acos": keras.ops.arccos,
    "acosh": keras.ops.arccosh,
    "asin": keras.ops.arcsin,
    "asinh": keras.ops.arcsinh,
    "atan": keras.ops.arctan,
    "atanh": keras.ops.arctanh,
    "cosh": keras.ops.cosh,
    "expm1": keras.ops.expm1,
    "log10": keras.ops.log10,
    "log1p": keras.ops.log1p,
    "log2": keras.ops.log2,
    "round": keras.ops.round,
    "sinh": keras.ops.sinh,
    "tan": keras.ops.tan,
    "trunc": keras.ops.trunc,
    "ceil": keras.ops.ceil,
    "cos": keras.ops.cos,
    "erf": keras.ops.erf,
    "exp": keras.ops.exp,
    "floor": keras.ops.floor,
    "log": keras.ops.log,
    "neg": keras.ops.negative,
    "reciprocal": keras.ops.reciprocal,
    "rsqrt": keras.ops.rsqrt,
    "sign": keras.ops.sign,
    "sin": keras.ops.sin,
    "sqrt": keras.ops.sqrt,
    "square": keras.ops.square,
}
"""Functions without parameters that have no layer."""

NAMED = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "selu": "selu",
    "mish": "mish",
    "softsign": "softsign",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_silu",
    "log_sigmoid": "log_sigmoid",
    "tanhshrink": "tanh_shrink",
}
"""PyTorch's name -> Keras's name of activations without parameters, both of the same definition."""
