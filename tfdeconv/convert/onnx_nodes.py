"""ONNX operators to layers, one function for each operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

import keras

from tfdeconv import geometry, layers
from tfdeconv.convert import equivalents
from tfdeconv.convert.onnx_attributes import OnnxNode
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments

Sizes: TypeAlias = Sequence[int | None] | None
"""Spatial sizes of the node's input, None where unknown; None altogether for a node on its own."""

Found = list[keras.layers.Layer]


def node_layers(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    """Return the layers that compute ``node``; none for an identity.

    Raises:
        ConversionError: The node has no exact equivalent.

    Example:
        >>> node = OnnxNode("DepthToSpace", attributes={"blocksize": 3})
        >>> node_layers(node, None, "channels_last")[0].factor
        (3, 3)
    """
    if node.op_type not in RULES:
        raise ConversionError(f"{node} has no converter. Converted are: {', '.join(RULES)}.")
    return RULES[node.op_type](node, sizes, data_format)


def _name(node: OnnxNode) -> str | None:
    """The node's name where Keras can use it: names there hold no slash."""
    return node.name.strip("/").replace("/", ".") or None


def _ints(node: OnnxNode, name: str, rank: int, default: int) -> tuple[int, ...]:
    return axis_arguments.per_axis(name, node.attributes.get(name, default), rank, minimum=0)


def _pairs(node: OnnxNode, rank: int) -> list[tuple[int, int]]:
    """The attribute pads: all begins, then all ends."""
    pads = node.attributes.get("pads", [0] * (2 * rank))
    if len(pads) != 2 * rank:
        raise ConversionError(f"{node}: pads must hold {2 * rank} numbers; received {list(pads)}.")
    return list(zip(pads[:rank], pads[rank:], strict=True))


def _auto_pad(node: OnnxNode) -> Any:
    return node.attributes.get("auto_pad", "NOTSET")


def _conv_transpose(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    weight = node.needed(1, "weight")
    rank = weight.ndim - 2
    strides = _ints(node, "strides", rank, 1)
    dilations = _ints(node, "dilations", rank, 1)
    extra = _ints(node, "output_padding", rank, 0)
    requested = node.attributes.get("output_shape")
    if requested is not None and node.opset < 11:
        raise ConversionError(
            f"{node} has the attribute output_shape in opset {node.opset}, whose padding rule is ambiguous "
            "before opset 11. Convert the model to opset 11 or newer."
        )
    padding = []
    for axis, (kernel, pads) in enumerate(zip(weight.shape[2:], _pairs(node, rank), strict=True)):
        # Without output_shape the samples removed at both ends do not depend on the size: any serves.
        size = kernel * dilations[axis] + sum(pads) if requested is None else _known(node, sizes, axis)
        window = geometry.onnx_window(
            size,
            kernel,
            strides[axis],
            pads=pads,
            output_padding=extra[axis],
            output_size=None if requested is None else requested[-rank:][axis],
            auto_pad=_auto_pad(node),
            dilation_rate=dilations[axis],
        )
        full = geometry.full_size(size, kernel, strides[axis], dilations[axis])
        padding.append((window.lead, full - window.lead - window.size))
    return [
        equivalents.conv_transpose(
            weight,
            node.array(2),
            strides=strides,
            padding=tuple(padding),
            output_padding=None,
            dilation_rate=dilations,
            groups=node.attributes.get("group", 1),
            data_format=data_format,
            name=_name(node),
        )
    ]


def _known(node: OnnxNode, sizes: Sizes, axis: int) -> int:
    size = None if sizes is None else sizes[axis]
    if size is None:
        raise ConversionError(
            f"{node} depends on the input's size, which is unknown on spatial axis {axis}. Convert a model "
            "whose input has fixed sizes."
        )
    return size


def _conv(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    weight = node.needed(1, "weight")
    rank = weight.ndim - 2
    strides = _ints(node, "strides", rank, 1)
    dilations = _ints(node, "dilations", rank, 1)
    pads: Any = _pairs(node, rank)
    auto_pad = _auto_pad(node)
    if auto_pad == "VALID":
        pads = [(0, 0)] * rank
    elif auto_pad == "SAME_UPPER":
        pads = "same"
    elif auto_pad == "SAME_LOWER":
        pads = [
            _same_lower(node, sizes, axis, kernel, strides[axis], dilations[axis])
            for axis, kernel in enumerate(weight.shape[2:])
        ]
    return equivalents.convolution(
        weight,
        node.array(2),
        strides=strides,
        pads=pads,
        dilation_rate=dilations,
        groups=node.attributes.get("group", 1),
        data_format=data_format,
        name=_name(node),
    )


def _same_lower(
    node: OnnxNode, sizes: Sizes, axis: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """SAME with the larger half in front."""
    size = 1 if stride == 1 else _known(node, sizes, axis)
    full = geometry.full_size(math.ceil(size / stride), kernel, stride, dilation)
    after = geometry.same_lead(full, size)
    return max(full - size, 0) - after, after


def _depth_to_space(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    order = node.attributes.get("mode", "DCR").lower()
    return [
        layers.PixelShuffle2D(
            node.attributes["blocksize"], order=order, data_format=data_format, name=_name(node)
        )
    ]


def _resize(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    mode = node.attributes.get("mode", "nearest")
    convention = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    factors = _resize_factors(node, sizes)
    linear = mode == "linear" and convention in HALF_PIXEL
    if linear or (mode == "nearest" and all(_repeats(factor, convention, rounding) for factor in factors)):
        return [equivalents.upsampling(factors, linear=linear, data_format=data_format, name=_name(node))]
    raise ConversionError(
        f"{node} has mode={mode!r}, coordinate_transformation_mode={convention!r} and nearest_mode="
        f"{rounding!r} with factors {factors}, which has no exact layer. Linear with half_pixel has one, and "
        "nearest where every sample is repeated."
    )


HALF_PIXEL = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
"""Coordinate transformations that are one and the same for integer factors above 1."""

ROUNDING: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: math.floor(x + Fraction(1, 2)),
    "floor": math.floor,
    "ceil": math.ceil,
}


def _repeats(factor: int, convention: str, rounding: str) -> bool:
    """Whether nearest resizing takes output y from input y // factor."""
    if convention not in (*HALF_PIXEL, "asymmetric") or rounding not in ROUNDING:
        return False
    shift = Fraction(0) if convention == "asymmetric" else Fraction(1, 2)
    return all(
        max(ROUNDING[rounding]((y + shift) / factor - shift), 0) == y // factor for y in range(2 * factor)
    )


def _resize_factors(node: OnnxNode, sizes: Sizes) -> list[int]:
    """The integer factor of every spatial axis, from the constant input scales or sizes."""
    scales, target = node.array(2), node.array(3)
    by_scale = scales is not None and scales.size > 0
    values = scales if by_scale else target
    if values is None or not values.size:
        raise ConversionError(f"{node} needs constant scales or sizes.")
    axes = node.attributes.get("axes", range(len(values)))
    rank = max(axes) - 1 if sizes is None else len(sizes)
    factors = [Fraction(1)] * (rank + 2)
    for axis, value in zip(axes, values.tolist(), strict=True):
        at = axis % (rank + 2)
        if by_scale:
            factors[at] = Fraction(value)
        elif at >= 2:  # the sizes of batch and channels repeat what they are
            factors[at] = Fraction(value, _known(node, sizes, at - 2))
    if any(factor.denominator != 1 or factor < 1 for factor in factors) or factors[:2] != [1, 1]:
        raise ConversionError(
            f"{node} resizes by ({', '.join(map(str, factors))}); only integer factors of at least 1 along "
            "spatial axes have an exact layer."
        )
    return list(map(int, factors[2:]))


def _batch_normalization(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    scale, offset, mean, variance = (
        node.needed(position, what)
        for position, what in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    return [
        equivalents.batch_normalization(
            scale,
            offset,
            mean,
            variance,
            epsilon=node.attributes.get("epsilon", 1e-5),
            momentum=node.attributes.get("momentum", 0.9),
            rank=2 if sizes is None else len(sizes),
            channels_first=data_format == "channels_first",
            name=_name(node),
        )
    ]


def _leaky_relu(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    return [keras.layers.LeakyReLU(negative_slope=node.attributes.get("alpha", 0.01), name=_name(node))]


def _activation(activation: str, node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    return [keras.layers.Activation(activation, name=_name(node))]


def _identity(node: OnnxNode, sizes: Sizes, data_format: str) -> Found:
    return []


RULES: dict[str, Callable[[OnnxNode, Sizes, str], Found]] = {
    "ConvTranspose": _conv_transpose,
    "Conv": _conv,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "BatchNormalization": _batch_normalization,
    "Relu": partial(_activation, "relu"),
    "LeakyRelu": _leaky_relu,
    "Sigmoid": partial(_activation, "sigmoid"),
    "Tanh": partial(_activation, "tanh"),
    "Identity": _identity,
    "Dropout": _identity,
}
"""ONNX operator -> converter."""
