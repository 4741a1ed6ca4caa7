"""The coordinate maps of Keras's layers, by type; everything not listed here is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any, TypeAlias

from keras import layers

from tfdeconv import geometry
from tfdeconv.errors import AlignmentError
from tfdeconv.geometry import CoordinateMap, axis_arguments, same_padding_before
from tfdeconv.keras_reading.spatial_axes import Layout, axis_pairs
from tfdeconv.keras_reading.transposed_convolution import CONV_TRANSPOSES, conv_transpose_geometry

Maps: TypeAlias = tuple[CoordinateMap, ...]
"""One map for each spatial axis."""


@dataclass(frozen=True)
class Everywhere:
    """Every sample reaches every position (global pooling), so the way says nothing about alignment.

    Example:
        >>> layer_position(layers.GlobalMaxPooling1D(), Layout((8,)))
        Everywhere()
    """


Rule: TypeAlias = Callable[[Any, Layout], Maps | Everywhere]


@singledispatch
def layer_position(layer: Any, layout: Layout) -> Maps | Everywhere:
    """Return the way of the samples through ``layer`` for an input of that layout.

    Raises:
        AlignmentError: The layer has no coordinate map, or it depends on a size that is unknown; the
            message is the end of a sentence that starts with the layer's name.

    Example:
        >>> [str(axis) for axis in layer_position(layers.UpSampling1D(3), Layout((None,)))]
        ['3 * x + 1']
    """
    raise AlignmentError(
        "has no known coordinate map. Use layers that keep spatial axes, or give this one a method "
        "coordinate_map(input_sizes) that returns one tfdeconv.alignment.CoordinateMap for each axis"
    )


def _register(*types: type[layers.Layer]) -> Callable[[Rule], Rule]:
    def decorate(function: Rule) -> Rule:
        for layer_type in types:
            layer_position.register(layer_type, function)
        return function

    return decorate


@_register(
    # pointwise
    layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax,
    layers.Identity, layers.Rescaling, layers.Dense,
    # regularisation
    layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D,
    layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise, layers.ActivityRegularization,
    # normalisation
    layers.Normalization, layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization,
    layers.RMSNormalization, layers.UnitNormalization,
    # merging, sample by sample
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum,
)  # fmt: skip
def _pointwise(layer: Any, layout: Layout) -> Maps:
    return (CoordinateMap(),) * len(layout.sizes)


@_register(layers.Concatenate)
def _concatenate(layer: Any, layout: Layout) -> Maps:
    rank = len(layout.sizes)
    channel_axis = 1 if layout.channels_first else rank + 1
    if layer.axis % (rank + 2) != channel_axis:
        raise AlignmentError(
            f"concatenates along axis {layer.axis}, not along the channels (axis {channel_axis}), so its "
            "inputs lie side by side"
        )
    return (CoordinateMap(),) * rank


@_register(
    layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D,
)  # fmt: skip
def _global_pooling(layer: Any, layout: Layout) -> Maps | Everywhere:
    return Everywhere()


@_register(
    layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip
def _convolution(layer: Any, layout: Layout) -> Maps:
    return _sliding(layout.sizes, layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)


@_register(
    layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D,
    layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D,
)  # fmt: skip
def _pooling(layer: Any, layout: Layout) -> Maps:
    return _sliding(layout.sizes, layer.pool_size, layer.strides, 1, layer.padding)


def _sliding(
    sizes: Sequence[int | None], kernel_size: Any, strides: Any, dilation_rate: Any, padding: str
) -> Maps:
    rank = len(sizes)
    kernels = axis_arguments.per_axis("kernel_size", kernel_size, rank)
    dilations = axis_arguments.per_axis("dilation_rate", dilation_rate, rank)
    maps = []
    for axis, stride in enumerate(axis_arguments.per_axis("strides", strides, rank)):
        kernel, dilation = kernels[axis], dilations[axis]
        before: int | None = 0
        if padding == "causal":
            before = geometry.effective_kernel_size(kernel, dilation) - 1
        elif padding == "same":
            before = same_padding_before(sizes[axis], kernel, stride, dilation)
        if before is None:
            raise AlignmentError(
                f"has padding='same' with kernel {kernel} and stride {stride}, whose padding depends on the "
                f"size, unknown on spatial axis {axis}. Give keras.Input a fixed size there, or pad "
                "explicitly and use padding='valid', or give CropLike its offset= in samples"
            )
        maps.append(CoordinateMap.convolution(kernel, stride, before=before, dilation_rate=dilation))
    return tuple(maps)


@_register(*CONV_TRANSPOSES)
def _transposed_convolution(layer: Any, layout: Layout) -> Maps:
    geometry = conv_transpose_geometry(layer)
    assert geometry is not None, "of a class that has one"
    return tuple(found for found in geometry.coordinate_maps(layout.sizes) if found is not None)


@_register(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def _repeat(layer: Any, layout: Layout) -> Maps:
    return tuple(map(CoordinateMap.resize, axis_arguments.per_axis("size", layer.size, len(layout.sizes))))


@_register(layers.Resizing)
def _resizing(layer: Any, layout: Layout) -> Maps:
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        raise AlignmentError("crops or pads to the aspect ratio, which has no fixed coordinate map")
    maps = []
    for axis, (size, target) in enumerate(zip(layout.sizes, (layer.height, layer.width), strict=True)):
        if size is None:
            raise AlignmentError(
                f"resizes an unknown size on spatial axis {axis}. Give keras.Input a fixed size there"
            )
        maps.append(CoordinateMap.resize(Fraction(target, size)))
    return tuple(maps)


@_register(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def _zero_padding(layer: Any, layout: Layout) -> Maps:
    return tuple(CoordinateMap.shift(before) for before, _ in axis_pairs(layer.padding, len(layout.sizes)))


@_register(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def _cropping(layer: Any, layout: Layout) -> Maps:
    return tuple(CoordinateMap.shift(-before) for before, _ in axis_pairs(layer.cropping, len(layout.sizes)))
