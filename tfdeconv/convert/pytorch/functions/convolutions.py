"""PyTorch's convolutions and transposed convolutions, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from tfdeconv.convert.graph import shaping
from tfdeconv.convert.graph.values import Value, value_of_image
from tfdeconv.convert.operators import convolutions
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.functions.arguments import constant, per_axis

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


class UpTo(int):
    """The greatest output padding, of which what is beyond an output size that is unknown is cut off.

    Attributes:
        size: The output size.
    """

    size: Any

    def __new__(cls, padding: int, size: Any) -> Self:
        """Return a number that PyTorch takes."""
        number = super().__new__(cls, padding)
        number.size = size
        return number

    __repr__ = object.__repr__  # two that look alike are of different sizes


def _cut(image: Any, sizes: Sequence[Any], data_format: str) -> Any:
    """The image without the samples behind the sizes."""
    value = value_of_image(image, data_format)
    for axis, size in enumerate(sizes, start=2):
        value = shaping.cut(value, axis, 0, size)
    return value.image()


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
    steps: Steps = convolutions.conv_transpose(
        place,
        weight,
        constant(bias, "bias"),
        strides=per_axis("stride", stride, rank),
        padding=per_axis("padding", padding, rank, minimum=0),
        output_padding=per_axis("output_padding", output_padding, rank, minimum=0),
        dilation_rate=per_axis("dilation", dilation, rank),
        groups=int(groups),
    )
    several = output_padding if isinstance(output_padding, list | tuple) else []
    sizes = [padding.size for padding in several if isinstance(padding, UpTo)]
    return [*steps, lambda image: _cut(image, sizes, place.data_format)] if sizes else steps


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
