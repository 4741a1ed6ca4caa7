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

import numpy as np

from tfdeconv import geometry
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.onnx import activations
from tfdeconv.convert.onnx.arguments import constant, only, optional, pairs, per_axis
from tfdeconv.convert.operators import convolutions, normalizations, pooling, resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import ConvTransposeGeometry

Steps = list[Step]


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


def depth_to_space(place: Place, *, blocksize: int, mode: str = "DCR") -> Steps:
    """DepthToSpace."""
    only("mode", mode, "DCR", "CRD")
    return resizing.pixel_shuffle(place, blocksize, "dcr" if mode == "DCR" else "crd")


def space_to_depth(place: Place, *, blocksize: int) -> Steps:
    """SpaceToDepth."""
    return resizing.pixel_unshuffle(place, blocksize, "dcr")


def global_pool(kind: str, place: Place) -> Steps:
    """GlobalAveragePool and GlobalMaxPool."""
    return pooling.global_pool(place, kind, keepdims=True)


RULES: dict[str, Callable[..., Steps]] = {
    "ConvTranspose": conv_transpose,
    "Conv": conv,
    "AveragePool": average_pool,
    "GlobalAveragePool": partial(global_pool, "average"),
    "GlobalMaxPool": partial(global_pool, "max"),
    "BatchNormalization": batch_normalization,
    "GroupNormalization": group_normalization,
    "PRelu": activations.prelu,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    **activations.RULES,
}
"""ONNX operator -> the steps that compute it."""
