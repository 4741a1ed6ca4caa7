"""PyTorch's convolutions and transposed convolutions, by its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfdeconv.convert.graph import shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import convolutions
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.arguments import constant, per_axis

Steps = list[Step]
Named = str | None


def conv(
    place: Place,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Steps:
    """``F.conv1d`` to ``F.conv3d``."""
    weight = constant(weight, "weight")
    rank = weight.ndim - 2
    if padding == "valid":
        padding = 0
    return convolutions.convolution(
        place,
        weight,
        constant(bias, "bias"),
        strides=per_axis("stride", stride, rank),
        # "same" pads as TensorFlow does for the stride of 1 that PyTorch demands
        pads="same" if padding == "same" else [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        dilation_rate=per_axis("dilation", dilation, rank),
        groups=int(groups),
    )


def conv_transpose(
    place: Place,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Steps:
    """``F.conv_transpose1d`` to ``F.conv_transpose3d``."""
    weight = constant(weight, "weight")
    rank = weight.ndim - 2
    return convolutions.conv_transpose(
        place,
        weight,
        constant(bias, "bias"),
        strides=per_axis("stride", stride, rank),
        padding=per_axis("padding", padding, rank, minimum=0),
        output_padding=per_axis("output_padding", output_padding, rank, minimum=0),
        dilation_rate=per_axis("dilation", dilation, rank),
        groups=int(groups),
    )


def convolution(
    place: Place,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Steps:
    """``aten::convolution``, both kinds in one."""
    if transposed:
        return conv_transpose(place, weight, bias, stride, padding, output_padding, groups, dilation)
    return conv(place, weight, bias, stride, padding, dilation, groups)


def linear(name: Named, input: Value, weight: Any, bias: Any = None) -> Value:
    """``F.linear``: a Dense layer on the last axis."""
    place = input.place(name)
    steps = convolutions.dense(place, constant(weight, "weight"), constant(bias, "bias"))
    return shaping.on_last_axis(input, steps)


STEPS: dict[str, Callable[..., Steps]] = {
    **{f"conv{rank}d": conv for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": conv_transpose for rank in (1, 2, 3)},
    "convolution": convolution,
}
"""PyTorch's name -> the steps of a function of one tensor of samples."""

VALUES: dict[str, Callable[..., Any]] = {"linear": linear}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
