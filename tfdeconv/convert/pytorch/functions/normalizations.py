"""PyTorch's normalisations with statistics that are known, or of each example, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from tfdeconv.convert.graph import shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import normalizations
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.functions.arguments import constant
from tfdeconv.errors import ConversionError

Steps = list[Step]
Named = str | None


def batch_norm(
    place: Place,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Steps:
    """``F.batch_norm`` with the statistics that were gathered."""
    if training or running_mean is None:
        raise ConversionError(
            "normalises by the statistics of each batch (batch_norm); only those that were gathered "
            "(track_running_stats=True) make an exact layer."
        )
    return normalizations.batch_normalization(
        place,
        constant(weight, "weight"),
        constant(bias, "bias"),
        constant(running_mean, "mean"),
        constant(running_var, "variance"),
        epsilon=eps,
        momentum=1 - (0.1 if momentum is None else momentum),
    )


def instance_norm(
    place: Place,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
    *,
    channels: int | None = None,
) -> Steps:
    """``F.instance_norm``."""
    if not use_input_stats:
        return batch_norm(place, running_mean, running_var, weight, bias, momentum=momentum, eps=eps)
    scale = constant(weight, "weight")
    channels = channels if scale is None else len(scale)
    if channels is None:
        raise ConversionError("needs a known number of channels; give input_shape=.")
    return normalizations.group_normalization(
        place, channels, scale, constant(bias, "bias"), channels=channels, epsilon=eps
    )


def group_norm(
    place: Place,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
    *,
    channels: int | None = None,
) -> Steps:
    """``F.group_norm``."""
    scale = constant(weight, "weight")
    channels = channels if scale is None else len(scale)
    if channels is None:
        raise ConversionError("needs a known number of channels; give input_shape=.")
    return normalizations.group_normalization(
        place, num_groups, scale, constant(bias, "bias"), channels=channels, epsilon=eps
    )


def layer_norm(
    name: Named,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Value:
    """``F.layer_norm`` over the last axes."""
    scale, offset = constant(weight, "weight"), constant(bias, "bias")
    return shaping.on_last_axis(
        input,
        normalizations.layer_normalization(
            input.place(name), scale, offset, shape=list(normalized_shape), epsilon=eps
        ),
        len(normalized_shape),
    )


def normalize(name: Named, input: Value, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Value:
    """``F.normalize`` by the Euclidean norm."""
    if p != 2:
        raise ConversionError(f"normalize has p={p}; only 2 has a layer.")
    axis = input.keras_axis(dim)
    norm = keras.ops.sqrt(keras.ops.sum(keras.ops.square(input.tensor), axis=axis, keepdims=True))
    return input.with_tensor(input.tensor / keras.ops.maximum(norm, eps))


STEPS: dict[str, Callable[..., Steps]] = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
}
"""PyTorch's name -> the steps of a function of one tensor of samples."""

VALUES: dict[str, Callable[..., Any]] = {"layer_norm": layer_norm, "normalize": normalize}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
