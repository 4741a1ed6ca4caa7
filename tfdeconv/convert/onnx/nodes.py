"""ONNX operators that become layers, one after another, on a tensor of samples.

The functions have ONNX's inputs and attributes as parameters, behind the place where the layers stand, so
that an attribute that is not listed is refused. ``opset``, ``source`` (the data input in a graph) and
``outputs`` (how many there are) are told to those that ask for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdeconv import geometry
from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import activations, convolutions, normalizations, pooling, resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import ConvTransposeGeometry, axis_arguments

Steps = list[Step]


def constant(array: Any, what: str) -> Any:
    """Return a constant input.

    Raises:
        ConversionError: It is missing, or computed by another node.
    """
    if array is None or isinstance(array, Value):
        raise ConversionError(
            f"needs a constant {what}. For a node on its own give it in initializers={{name: array}}."
        )
    return np.asarray(array)


def optional(array: Any, what: str) -> Any:
    """Return a constant input; None where it is left out."""
    return None if array is None else constant(array, what)


def only(what: str, value: Any, *allowed: Any) -> None:
    """Raise ConversionError where ``value`` is none of those that have an exact layer."""
    if value not in allowed:
        raise ConversionError(
            f"has {what}={value!r}; only {' and '.join(map(repr, allowed))} has an exact layer."
        )


def per_axis(name: str, value: Any, rank: int, default: int) -> tuple[int, ...]:
    """Return one number for each spatial axis."""
    return axis_arguments.per_axis(name, default if value is None else value, rank, minimum=0)


def pairs(pads: Any, rank: int) -> list[tuple[int, int]]:
    """Return (before, after) of each axis from the attribute pads: all begins, then all ends."""
    pads = [0] * (2 * rank) if pads is None else list(pads)
    if len(pads) != 2 * rank:
        raise ConversionError(
            f"needs pads for both ends: pads must hold {2 * rank} numbers; received {pads}."
        )
    return list(zip(pads[:rank], pads[rank:], strict=True))


def _check_kernel(kernel_shape: Any, weight: Any) -> None:
    if kernel_shape is not None and tuple(kernel_shape) != weight.shape[2:]:
        raise ConversionError(f"has kernel_shape={list(kernel_shape)} and a weight of shape {weight.shape}.")


def conv_transpose(
    place: Place,
    weight: Any = None,
    bias: Any = None,
    *,
    kernel_shape: Any = None,
    strides: Any = None,
    dilations: Any = None,
    pads: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    group: int = 1,
    auto_pad: Any = "NOTSET",
    opset: int = 13,
) -> Steps:
    """ConvTranspose."""
    weight = constant(weight, "weight (input 1)")
    _check_kernel(kernel_shape, weight)
    rank = weight.ndim - 2
    strides, dilations = per_axis("strides", strides, rank, 1), per_axis("dilations", dilations, rank, 1)
    extra = per_axis("output_padding", output_padding, rank, 0)
    if output_shape is not None and opset < 11:
        raise ConversionError(
            f"has the attribute output_shape in opset {opset}, whose padding rule is ambiguous before opset "
            "11. Convert the model to opset 11 or newer."
        )
    # Without output_shape the samples removed at both ends do not depend on the sizes.
    taken = ConvTransposeGeometry.of_onnx(
        weight.shape[2:],
        strides=strides,
        dilation_rate=dilations,
        pads=pairs(pads, rank),
        output_padding=extra,
        auto_pad=auto_pad,
        input_sizes=None if output_shape is None else [place.size(axis) for axis in range(rank)],
        output_shape=None if output_shape is None else output_shape[-rank:],
    )
    return convolutions.conv_transpose(
        place,
        weight,
        optional(bias, "bias"),
        strides=strides,
        padding=taken.crops,
        output_padding=None,
        dilation_rate=dilations,
        groups=group,
    )


def conv(
    place: Place,
    weight: Any = None,
    bias: Any = None,
    *,
    kernel_shape: Any = None,
    strides: Any = None,
    dilations: Any = None,
    pads: Any = None,
    group: int = 1,
    auto_pad: Any = "NOTSET",
) -> Steps:
    """Conv."""
    weight = constant(weight, "weight (input 1)")
    _check_kernel(kernel_shape, weight)
    rank = weight.ndim - 2
    strides, dilations = per_axis("strides", strides, rank, 1), per_axis("dilations", dilations, rank, 1)
    return convolutions.convolution(
        place,
        weight,
        optional(bias, "bias"),
        strides=strides,
        pads="same"
        if auto_pad == "SAME_UPPER"
        else padded(place, weight.shape[2:], strides, dilations, pads, auto_pad),
        dilation_rate=dilations,
        groups=group,
    )


def padded(
    place: Place, kernel: Sequence[int], strides: Any, dilations: Any, pads: Any, auto_pad: str
) -> list[tuple[int, int]]:
    """Return the (before, after) samples that a window operator pads."""
    only("auto_pad", auto_pad, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    rank = len(kernel)
    if auto_pad == "NOTSET":
        return pairs(pads, rank)
    if auto_pad == "VALID":
        return [(0, 0)] * rank
    around = []
    for axis, (taps, stride, dilation) in enumerate(zip(kernel, strides, dilations, strict=True)):
        size = 1 if stride == 1 else place.size(axis)
        full = geometry.full_size(math.ceil(size / stride), taps, stride, dilation)
        less = geometry.same_lead(full, size)
        more = max(full - size, 0) - less
        around.append((less, more) if auto_pad == "SAME_UPPER" else (more, less))
    return around


def average_pool(
    place: Place,
    *,
    kernel_shape: Sequence[int],
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
) -> Steps:
    """AveragePool."""
    rank = len(kernel_shape)
    strides, dilations = per_axis("strides", strides, rank, 1), per_axis("dilations", dilations, rank, 1)
    only("dilations", dilations, (1,) * rank)
    return pooling.average_pool(
        place,
        kernel_shape,
        strides,
        padded(place, kernel_shape, strides, dilations, pads, auto_pad),
        ceil_mode=bool(ceil_mode),
        count_include_pad=bool(count_include_pad),
    )


def batch_normalization(
    place: Place,
    scale: Any = None,
    offset: Any = None,
    mean: Any = None,
    variance: Any = None,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    opset: int = 13,
    outputs: int = 1,
) -> Steps:
    """BatchNormalization at inference."""
    only("spatial", spatial, 1)
    if training_mode or outputs > 1 or opset < 7:
        raise ConversionError(
            f"normalises by the statistics of each batch (training_mode={training_mode}, {outputs} outputs, "
            f"opset {opset}). Export the model for inference, with opset 7 or newer."
        )
    return normalizations.batch_normalization(
        place,
        constant(scale, "scale (input 1)"),
        constant(offset, "bias (input 2)"),
        constant(mean, "mean (input 3)"),
        constant(variance, "variance (input 4)"),
        epsilon=epsilon,
        momentum=momentum,
    )


def group_normalization(
    place: Place,
    scale: Any = None,
    offset: Any = None,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    opset: int = 21,
    source: Value | None = None,
) -> Steps:
    """GroupNormalization; before opset 21 scale and bias are of each group."""
    only("stash_type", stash_type, 1)
    scale, offset = constant(scale, "scale (input 1)"), constant(offset, "bias (input 2)")
    if opset < 21:
        channels = None if source is None else source.static_shape[1]
        if channels is None:
            raise ConversionError(
                f"has a scale for each group (opset {opset}) and an unknown number of channels. Convert the "
                "model to opset 21, or give its input fixed channels."
            )
        scale, offset = (np.repeat(array, channels // num_groups) for array in (scale, offset))
    return normalizations.group_normalization(
        place, num_groups, scale, offset, channels=len(scale), epsilon=epsilon
    )


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


def depth_to_space(place: Place, *, blocksize: int, mode: str = "DCR") -> Steps:
    """DepthToSpace."""
    only("mode", mode, "DCR", "CRD")
    return resizing.pixel_shuffle(place, blocksize, "dcr" if mode == "DCR" else "crd")


def space_to_depth(place: Place, *, blocksize: int) -> Steps:
    """SpaceToDepth."""
    return resizing.pixel_unshuffle(place, blocksize, "dcr")


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


def global_pool(kind: str, place: Place) -> Steps:
    """GlobalAveragePool and GlobalMaxPool."""
    return pooling.global_pool(place, kind, keepdims=True)


def _named(keras_name: str, place: Place) -> Steps:
    return activations.named(place, keras_name)


def _pointwise(operation: Step, place: Place) -> Steps:
    return [operation]


def known_number(value: Any) -> int:
    """Return a size as an int.

    Raises:
        ConversionError: It is unknown.
    """
    if isinstance(value, UnknownSize):
        raise ConversionError("depends on a size of the input that is unknown. Give the input fixed sizes.")
    return int(value)


EVERYWHERE: dict[str, Callable[..., Steps]] = {
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
"""Operators that treat all elements alike."""

RULES: dict[str, Callable[..., Steps]] = {
    "ConvTranspose": conv_transpose,
    "Conv": conv,
    "AveragePool": average_pool,
    "GlobalAveragePool": partial(global_pool, "average"),
    "GlobalMaxPool": partial(global_pool, "max"),
    "BatchNormalization": batch_normalization,
    "GroupNormalization": group_normalization,
    "PRelu": prelu,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    **EVERYWHERE,
}
"""ONNX operator -> the steps that compute it."""
