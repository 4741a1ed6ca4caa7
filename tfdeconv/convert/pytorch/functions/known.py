"""Functions of PyTorch that have a converter, by PyTorch's names and with its parameters.

They are called with a forward's own arguments, so that a parameter that is not listed is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfdeconv.convert.operators.place import Step
from tfdeconv.convert.pytorch.functions import (
    activations,
    arithmetic,
    convolutions,
    normalizations,
    pooling,
    reductions,
    resizing,
    shapes,
)

ALIASES = {
    "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "concat": "cat",
    "concatenate": "cat", "reshape": "view", "reshape_as": "view_as", "swapaxes": "transpose",
    "swapdims": "transpose", "negative": "neg", "clip": "clamp", "hardswish_": "hardswish", "bmm": "matmul",
    "max_pool2d_with_indices": "max_pool_with_indices", "split_with_sizes": "split", "unsafe_chunk": "chunk",
    "unsafe_split": "split", "_unsafe_view": "view", "logsigmoid": "log_sigmoid", "upsample": "interpolate",
    "native_channel_shuffle": "channel_shuffle", "alias": "same", "arccos": "acos", "arcsin": "asin",
    "arctan": "atan", "greater": "gt", "greater_equal": "ge",
    "less": "lt", "less_equal": "le", "not_equal": "ne", "moveaxis": "movedim", "where_self": "where",
}  # fmt: skip

STEPS: dict[str, Callable[..., list[Step]]] = {
    **convolutions.STEPS,
    **normalizations.STEPS,
    **activations.STEPS,
    **pooling.STEPS,
    **resizing.STEPS,
}
"""PyTorch's name -> the steps of a function of one tensor of samples; the first argument is their place."""

VALUES: dict[str, Callable[..., Any]] = {
    **shapes.VALUES,
    **arithmetic.VALUES,
    **reductions.VALUES,
    **convolutions.VALUES,
    **normalizations.VALUES,
    **activations.VALUES,
    **pooling.VALUES,
    **resizing.VALUES,
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
