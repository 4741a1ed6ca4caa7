"""PyTorch's functions of each sample alone, by its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tfdeconv.convert.graph import combining
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import activations
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.functions import shapes
from tfdeconv.convert.pytorch.functions.arguments import constant, keep_dtype
from tfdeconv.errors import ConversionError

Steps = list[Step]
Named = str | None


def prelu(place: Place, weight: Any) -> Steps:
    """``F.prelu``."""
    return activations.prelu(place, constant(weight, "weight"))


def leaky_relu(place: Place, negative_slope: float = 0.01, inplace: bool = False) -> Steps:
    """``F.leaky_relu``."""
    return activations.leaky_relu(place, negative_slope)


def relu(place: Place, inplace: bool = False) -> Steps:
    """``F.relu``."""
    return activations.relu(place)


def relu6(place: Place, inplace: bool = False) -> Steps:
    """``F.relu6``."""
    return activations.relu(place, 6.0)


def hardtanh(place: Place, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Steps:
    """``F.hardtanh``, and ``F.relu6``."""
    return activations.clip(place, min_val, max_val)


def clamp(place: Place, min: float | None = None, max: float | None = None) -> Steps:
    """``torch.clamp`` by numbers."""
    if isinstance(min, Value) or isinstance(max, Value):
        raise ConversionError("calls clamp with tensors; only numbers have a layer.")
    limits = [None if limit is None else float(limit) for limit in (min, max)]
    if place.dtype is None or keras.backend.is_float_dtype(place.dtype):
        return activations.clip(place, *limits)
    if not all(limit is None or limit.is_integer() for limit in limits):
        raise ConversionError(f"calls clamp of {place.dtype} with limits that are no whole numbers.")
    low, high = (None if limit is None else int(limit) for limit in limits)
    above: Steps = [] if low is None else [lambda x: keras.ops.maximum(x, low)]
    below: Steps = [] if high is None else [lambda x: keras.ops.minimum(x, high)]
    return [*above, *below]


def elu(
    place: Place, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0, inplace: bool = False
) -> Steps:
    """``F.elu``; scale and input_scale are ``aten::elu``'s."""
    if (scale, input_scale) != (1, 1):
        raise ConversionError(
            f"calls elu with scale={scale} and input_scale={input_scale}; only 1 has a layer."
        )
    return activations.elu(place, alpha)


def celu(place: Place, alpha: float = 1.0, inplace: bool = False) -> Steps:
    """``F.celu``."""
    return [lambda x: keras.ops.celu(x, alpha=alpha)]


def gelu(place: Place, approximate: str = "none") -> Steps:
    """``F.gelu``."""
    return activations.gelu(place, approximate)


def softplus(place: Place, beta: float = 1.0, threshold: float = 20.0) -> Steps:
    """``F.softplus``; above the threshold, which saves an exponential, both are x in float32."""
    if threshold < 15:
        raise ConversionError(
            f"calls softplus with threshold={threshold}, below which it is no softplus any more."
        )
    return activations.softplus(place, beta)


def threshold(place: Place, threshold: float, value: float, inplace: bool = False) -> Steps:
    """``F.threshold``."""
    return [lambda x: keras.ops.where(x > threshold, x, value)]


def hardshrink(place: Place, lambd: float = 0.5) -> Steps:
    """``F.hardshrink``."""
    return [lambda x: keras.ops.hard_shrink(x, lambd)]


def softshrink(place: Place, lambd: float = 0.5) -> Steps:
    """``F.softshrink``."""
    return [lambda x: keras.ops.soft_shrink(x, lambd)]


def rrelu(
    place: Place,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Steps:
    """``F.rrelu`` in evaluation mode: the mean of its slopes."""
    if training:
        raise ConversionError("calls rrelu with training=True, whose slopes are random.")
    return activations.leaky_relu(place, (lower + upper) / 2)


def clamp_min(place: Place, min: float) -> Steps:
    """``torch.clamp_min``."""
    return clamp(place, min=min)


def clamp_max(place: Place, max: float) -> Steps:
    """``torch.clamp_max``."""
    return clamp(place, max=max)


def _named(keras_name: str) -> Callable[..., Steps]:
    def function(place: Place, inplace: bool = False) -> Steps:
        return activations.named(place, keras_name)

    return function


def softmax(
    name: Named,
    input: Value,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: Any = None,
    log: bool = False,
) -> Value:
    """``F.softmax``."""
    keep_dtype("softmax", input, dtype)
    if dim is None:
        raise ConversionError("softmax without dim is ambiguous; name the axis.")
    return input.everywhere(
        activations.softmax(input.place(name), input.keras_axis(dim) - input.rank, log=log)
    )


def log_softmax(
    name: Named, input: Value, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Value:
    """``F.log_softmax``."""
    return softmax(name, input, dim, dtype=dtype, log=True)


def softmin(
    name: Named, input: Value, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Value:
    """``F.softmin``."""
    return softmax(name, input.everywhere([keras.ops.negative]), dim, dtype=dtype)


def glu(name: Named, input: Value, dim: int = -1) -> Value:
    """``F.glu``: one half times the sigmoid of the other."""
    first, second = shapes.chunk(name, input, 2, dim)
    return combining.combine("mul", first, second.everywhere([keras.ops.sigmoid]))


def dropout(
    name: Named, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False, **aten: Any
) -> Value:
    """``F.dropout`` and its kin, which do nothing in evaluation mode."""
    if aten.pop("train", training) and p:
        raise ConversionError(
            "dropout is called with training=True, so that the result is random even in evaluation mode. "
            "Pass training=self.training."
        )
    return input


def pointwise(operation: Callable[[Any], Any]) -> Callable[..., Value]:
    """Return the function that applies ``operation`` to every element."""

    def function(name: Named, input: Value) -> Value:
        return input.everywhere([operation])

    return function


STEPS: dict[str, Callable[..., Steps]] = {
    "prelu": prelu,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "hardtanh": hardtanh,
    "clamp": clamp,
    "clip": clamp,
    "elu": elu,
    "celu": celu,
    "gelu": gelu,
    "softplus": softplus,
    "threshold": threshold,
    "hardshrink": hardshrink,
    "softshrink": softshrink,
    "rrelu": rrelu,
    "clamp_min": clamp_min,
    "clamp_max": clamp_max,
    **{name: _named(keras_name) for name, keras_name in activations.NAMED.items()},
}
"""PyTorch's name -> the steps of a function of one tensor of samples."""

DROPOUTS = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "feature_dropout",
)  # fmt: skip
"""Functions that do nothing in evaluation mode."""

VALUES: dict[str, Callable[..., Any]] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softmin": softmin,
    "glu": glu,
    **dict.fromkeys(DROPOUTS, dropout),
    **{name: pointwise(operation) for name, operation in activations.POINTWISE.items()},
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
