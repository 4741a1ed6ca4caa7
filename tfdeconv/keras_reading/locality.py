"""Which samples a Keras layer's outputs depend on, by type; what mixes further is refused with a remedy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import layers

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Reads, axis_arguments
from tfdeconv.keras_reading.own_call import computes_like, overridden_base
from tfdeconv.keras_reading.spatial_axes import axis_pairs, other_data_format
from tfdeconv.keras_reading.transposed_convolution import CONV_TRANSPOSES, conv_transpose_geometry

Sizes: TypeAlias = tuple[int, ...]
"""Spatial sizes of one tensor."""

Stages: TypeAlias = Sequence[tuple[Reads, ...]]
"""What a layer does with one input, one after the other; one entry for each spatial axis in each."""


class NotLocal(InvalidArgumentError):  # noqa: N818 - says what is found
    """A layer's outputs depend on more than a neighbourhood; the end of a sentence about the layer.

    Example:
        >>> raise NotLocal("attends to the whole picture")
        Traceback (most recent call last):
        ...
        tfdeconv.keras_reading.locality.NotLocal: attends to the whole picture
    """


Rule: TypeAlias = Callable[[Any, Sequence[Sizes], bool], Stages]


def layer_reads(
    layer: Any, inputs: Sequence[Sizes], channels_first: bool, *others: Any, **named: Any
) -> Sequence[Stages | None]:
    """Return which samples of each input the outputs of ``layer`` depend on at inference.

    A layer with a method ``reads(*sizes_of_inputs, *others, **named)`` tells it by itself.

    Args:
        layer: A Keras layer.
        inputs: Spatial sizes of each tensor of the call's first argument.
        channels_first: Whether the channels are in front of the spatial axes.
        *others: What else the call was given by position, with sizes in place of tensors.
        **named: What it was given by name, alike.

    Returns:
        For each input, what happens to it; None where only its size matters.

    Raises:
        NotLocal: There is no bounded neighbourhood, or none is known.

    Example:
        >>> layer_reads(layers.MaxPooling1D(2), [(9,)], False)
        [[(Reads(step=2, per=1, first=0, last=1, size=4),)]]
    """
    _check_activation(layer, inputs[0], channels_first)
    found: Sequence[Stages | None]
    if hasattr(layer, "reads"):
        if (base := overridden_base(layer, "reads")) is not None:
            raise _own_call(base)
        found = layer.reads(*inputs, *others, **named)
    else:
        rule = _rule(layer)
        found = [rule(layer, inputs[number : number + 1], channels_first) for number in range(len(inputs))]
    wrong = other_data_format(layer, channels_first)
    if wrong and any(
        stages not in (None, same_place(sizes)) for stages, sizes in zip(found, inputs, strict=True)
    ):
        raise NotLocal(wrong)
    return found


def _rule(layer: Any) -> Rule:
    for known in type(layer).__mro__:
        if known in _RULES:
            if not computes_like(layer, known):
                raise _own_call(known)
            return _RULES[known]
    raise NotLocal(
        "is not known to keep to a neighbourhood. Use layers that do, or give it a method reads(input_sizes) "
        "as tfdeconv's layers have"
    )


def _own_call(base: type) -> NotLocal:
    name = base.__name__.lstrip("_")
    return NotLocal(
        f"has a call, convolution_op or kernel of its own, so that what its base {name} depends on says "
        "nothing. Give it a method reads(input_sizes) as tfdeconv's layers have"
    )


_RULES: dict[type, Rule] = {}


def _register(*types: type[layers.Layer]) -> Callable[[Rule], Rule]:
    def decorate(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(types, function))
        return function

    return decorate


def same_place(sizes: Sizes) -> Stages:
    """Return the stages of a layer that works sample by sample.

    Example:
        >>> same_place((7,))
        [(Reads(step=1, per=1, first=0, last=0, size=7),)]
    """
    return [tuple(map(Reads.same_place, sizes))]


@_register(
    layers.Identity, layers.Rescaling, layers.Add, layers.Subtract, layers.Multiply, layers.Average,
    layers.Maximum, layers.Minimum, layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D,
    layers.SpatialDropout3D, layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise,
    layers.ActivityRegularization, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU,
)  # fmt: skip
def _same_place(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    return same_place(inputs[0])


@_register(layers.Softmax)
def _softmax(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    rank = len(inputs[0])
    if {axis % (rank + 2) for axis in _as_ints(layer.axis)} & set(_spatial_axes(rank, channels_first)):
        raise NotLocal(
            f"normalises over axis {layer.axis}, which is spatial here. Normalise over the channels: "
            f"axis={_channel_axis(rank, channels_first)}"
        )
    return same_place(inputs[0])


@_register(layers.PReLU)
def _prelu(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    rank = len(inputs[0])
    shared = set(layer.shared_axes or ())
    if not shared >= set(_spatial_axes(rank, channels_first)):
        raise NotLocal(
            "has a slope of its own at every place. Share it over the spatial axes: "
            f"shared_axes={list(_spatial_axes(rank, channels_first))}"
        )
    return same_place(inputs[0])


@_register(
    layers.BatchNormalization, layers.Normalization, layers.LayerNormalization, layers.RMSNormalization,
    layers.UnitNormalization, layers.GroupNormalization,
)  # fmt: skip
def _normalization(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    rank = len(inputs[0])
    axes = {axis % (rank + 2) for axis in _as_ints(layer.axis)}
    if isinstance(layer, layers.GroupNormalization):
        raise NotLocal(
            "normalises by the mean and variance of the whole picture. Use BatchNormalization, or "
            "LayerNormalization over the channels, whose statistics do not depend on the picture's size"
        )
    if axes & set(_spatial_axes(rank, channels_first)):
        raise NotLocal(
            f"normalises over axis {layer.axis}, which is spatial here. Normalise over the channels: "
            f"axis={_channel_axis(rank, channels_first)}"
        )
    return same_place(inputs[0])


@_register(layers.Dense)
def _dense(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    if channels_first:
        raise NotLocal("multiplies the last axis, which is spatial here. Use a convolution of kernel 1")
    return same_place(inputs[0])


@_register(layers.Concatenate)
def _concatenate(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    rank = len(inputs[0])
    channel_axis = _channel_axis(rank, channels_first)
    if layer.axis % (rank + 2) != channel_axis:
        raise NotLocal(
            f"concatenates along axis {layer.axis}, so that its inputs lie side by side. Concatenate along "
            f"the channels, axis {channel_axis}"
        )
    return same_place(inputs[0])


@_register(
    layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip
def _convolution(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    return _sliding(inputs[0], layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)


@_register(
    layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D,
    layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D,
)  # fmt: skip
def _pooling(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    return _sliding(inputs[0], layer.pool_size, layer.strides, 1, layer.padding)


def _sliding(sizes: Sizes, kernel_size: Any, strides: Any, dilation_rate: Any, padding: str) -> Stages:
    rank = len(sizes)
    axes = zip(
        sizes,
        axis_arguments.per_axis("kernel_size", kernel_size, rank),
        axis_arguments.per_axis("strides", strides, rank),
        axis_arguments.per_axis("dilation_rate", dilation_rate, rank),
        strict=True,
    )
    return [
        tuple(
            Reads.convolution(size, kernel, stride, padding=padding, dilation_rate=dilation)
            for size, kernel, stride, dilation in axes
        )
    ]


@_register(*CONV_TRANSPOSES)
def _transposed_convolution(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    geometry = conv_transpose_geometry(layer)
    assert geometry is not None, "of a class that has one"
    return [geometry.reads(inputs[0])]


_RADII = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
"""Reach of the filters of ``keras.layers.UpSampling2D``, in input samples."""


@_register(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def _upsampling(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    factors = axis_arguments.per_axis("size", layer.size, len(inputs[0]))
    radius = _RADII.get(getattr(layer, "interpolation", "nearest"))
    if radius is None:
        return [tuple(map(Reads.nearest, inputs[0], factors))]
    return [
        tuple(
            Reads.interpolation(size, factor, radius) for size, factor in zip(inputs[0], factors, strict=True)
        )
    ]


@_register(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def _zero_padding(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    pairs = axis_pairs(layer.padding, len(inputs[0]))
    return [tuple(Reads.shift(size, *pair) for size, pair in zip(inputs[0], pairs, strict=True))]


@_register(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def _cropping(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    pairs = axis_pairs(layer.cropping, len(inputs[0]))
    return [
        tuple(
            Reads.shift(size, -before, -after) for size, (before, after) in zip(inputs[0], pairs, strict=True)
        )
    ]


@_register(layers.SpectralNormalization)
def _wrapped(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    (stages,) = layer_reads(layer.layer, inputs, channels_first)
    assert stages is not None
    return stages


@_register(
    layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D,
)  # fmt: skip
def _global_pooling(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    raise NotLocal(
        "pools over the whole picture (squeeze-and-excite does so inside a backbone). Use a backbone "
        "without, such as MobileNetV2 or ResNet50V2, or end the model in front of it"
    )


@_register(
    layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector,
)  # fmt: skip
def _rearranged(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    raise NotLocal(
        "rearranges the axes, so that places are lost. Tile the part of the model in front of it or behind"
    )


@_register(layers.Attention, layers.AdditiveAttention, layers.MultiHeadAttention, layers.GroupQueryAttention)
def _attention(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    raise NotLocal("attends to the whole picture. Use attention within windows, or a model without")


@_register(layers.Resizing)
def _resizing(layer: Any, inputs: Sequence[Sizes], channels_first: bool) -> Stages:
    raise NotLocal(
        "resizes to a fixed size, whatever the size of its input. Use UpSampling2D or tfdeconv's layers, "
        "which enlarge by a factor"
    )


def _spatial_axes(rank: int, channels_first: bool) -> tuple[int, ...]:
    first = 2 if channels_first else 1
    return tuple(range(first, first + rank))


def _channel_axis(rank: int, channels_first: bool) -> int:
    return 1 if channels_first else rank + 1


def _as_ints(axis: Any) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(axis or ())


def _check_activation(layer: Any, sizes: Sizes, channels_first: bool) -> None:
    """Raise NotLocal where the activation of a layer looks at other places."""
    activation = getattr(layer, "activation", None)
    if isinstance(activation, keras.layers.Layer):
        try:
            (stages,) = layer_reads(activation, [sizes], channels_first)
        except NotLocal as error:
            raise NotLocal(f"has the activation {activation.name!r}, which {error}") from None
        if stages != same_place(sizes):
            raise NotLocal(f"has the activation {activation.name!r}, which moves samples")
    elif callable(activation):
        _check_pointwise(activation, len(sizes), channels_first)


@functools.lru_cache(maxsize=64)
def _check_pointwise(function: Callable[[Any], Any], rank: int, channels_first: bool) -> None:
    """Raise NotLocal where ``function`` of a part is not that part of it, tried on random numbers."""
    shape = (1, 4, *(5,) * rank) if channels_first else (1, *(5,) * rank, 4)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    part = tuple(
        slice(1, 4) if axis in _spatial_axes(rank, channels_first) else slice(None)
        for axis in range(rank + 2)
    )
    whole, of_part = (keras.ops.convert_to_numpy(function(values)) for values in (x, x[part]))
    if whole.shape != x.shape or not np.allclose(whole[part], of_part, rtol=1e-5, atol=1e-6):
        raise NotLocal(
            "has an activation that looks at other places (a softmax over a spatial axis does). Use one that "
            "works sample by sample, or over the channels"
        )
