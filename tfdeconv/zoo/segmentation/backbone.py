"""Backbones for decoders: features at several strides from any Keras model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import keras

from tfdeconv import alignment
from tfdeconv.alignment.graph import ancestors, is_channels_first
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D

PAPER_SKIPS = {
    "vgg16": ("block4_pool", "block3_pool"),
    "vgg19": ("block4_pool", "block3_pool"),
}
"""Skip layers of FCN (Long, Shelhamer and Darrell 2015) by model name, deepest first."""


PADDING = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)


TYPICAL_SIZE = 1024
"""Size that stands for free ones where only ratios of sizes are wanted."""


class Pyramid(NamedTuple):
    """Features of one picture at falling strides.

    Attributes:
        image: The symbolic picture ``[batch, height, width, channels]``.
        features: The deepest feature tensor first, then the skips.
        factors: How many samples of the next finer tensor one sample of each feature spans; the last
            entry leads to the picture.
    """

    image: Any
    features: list[Any]
    factors: list[int]


def backbone_model(
    backbone: str | keras.Model,
    input_shape: Sequence[int | None] | None = None,
    weights: str | None = None,
) -> keras.Model:
    """Return ``backbone``, made with ``keras.applications`` where it is a name.

    Args:
        backbone: The name of a function of ``keras.applications``, or a functional model with one
            input whose output keeps spatial axes.
        input_shape: ``(height, width, channels)`` for a backbone by name, or ``(channels, height, width)``
            where ``keras.config.image_data_format()`` is "channels_first"; sizes may be None. None: pictures
            of three channels and free sizes.
        weights: The ``weights`` argument for a backbone by name: None, "imagenet" (downloaded), or a file.

    Raises:
        InvalidArgumentError: The name is unknown, or the model has not one input and one output of
            two spatial axes.

    Example:
        >>> backbone_model("MobileNet").output_shape
        (None, None, None, 1024)
    """
    if isinstance(backbone, str):
        make = getattr(keras.applications, backbone, None)
        if not callable(make):
            names = [name for name in dir(keras.applications) if name[0].isupper()]
            raise InvalidArgumentError(
                f"backbone must be a keras.Model or one of {', '.join(names)}; received {backbone!r}."
            )
        return make(include_top=False, weights=weights, input_shape=_picture_shape(input_shape))
    tensors = [*getattr(backbone, "inputs", []), *getattr(backbone, "outputs", [])]
    if len(tensors) != 2 or any(len(tensor.shape) != 4 for tensor in tensors):
        raise InvalidArgumentError(
            "backbone must be a functional model with one input and one output of shape [batch, height, "
            f"width, channels]; received {[tensor.shape for tensor in tensors]}. Leave its classifier off."
        )
    return backbone


def _picture_shape(input_shape: Sequence[int | None] | None) -> tuple[int | None, ...]:
    if input_shape is not None:
        return tuple(input_shape)
    return (3, None, None) if keras.config.image_data_format() == "channels_first" else (None, None, 3)


def data_format_of(model: keras.Model) -> str:
    """Return the layout of a functional model's layers.

    Example:
        >>> data_format_of(backbone_model("MobileNet"))
        'channels_last'
    """
    return "channels_first" if is_channels_first(ancestors(model.output)) else "channels_last"


def spatial_axes(model: keras.Model) -> tuple[int, int]:
    """Return the axes of height and width.

    Example:
        >>> spatial_axes(backbone_model("MobileNet"))
        (1, 2)
    """
    return (2, 3) if data_format_of(model) == "channels_first" else (1, 2)


class Resolutions:
    """How the tensors of a backbone differ in resolution.

    Args:
        model: A functional model as :func:`backbone_model` returns it.

    Example:
        >>> model = backbone_model("MobileNet")
        >>> Resolutions(model).between(model.output, model.input)
        32
    """

    def __init__(self, model: keras.Model) -> None:
        shape = list(model.input.shape)
        for axis in spatial_axes(model):
            shape[axis] = shape[axis] or TYPICAL_SIZE
        shapes = [tuple(shape)]
        # the scales, which are all that is asked of this trace, do not depend on the sizes
        self.trace = alignment.trace(
            model.output, shapes=alignment.shapes_inside(model, model.output, shapes)
        )

    def between(self, coarse: Any, fine: Any) -> int:
        """Return how many samples of ``fine`` one sample of ``coarse`` spans.

        Raises:
            InvalidArgumentError: The number is not one integer for both axes.
            AlignmentError: A tensor has no coordinate map to the backbone's output.
        """
        rows, columns = (
            one.scale / other.scale for one, other in zip(self.trace[coarse], self.trace[fine], strict=True)
        )
        if rows != columns or rows.denominator != 1:
            raise InvalidArgumentError(
                f"Layers of a decoder must differ by one integer factor along both axes; {coarse.name!r} and "
                f"{fine.name!r} differ by {rows} and {columns}. Choose other skip_layers."
            )
        return int(rows)


def pyramid(model: keras.Model, levels: Sequence[int], skip_layers: Sequence[str] | None = None) -> Pyramid:
    """Return the output of ``model`` and one skip for each of ``levels``, on a new picture.

    The picture is padded to a multiple of the model's stride where its size is free, so that pooling
    never drops a border.

    Args:
        model: A functional model as :func:`backbone_model` returns it.
        levels: Factors between neighbouring features, deepest first, for example ``(2, 2)``.
        skip_layers: Names of the layers whose outputs are the skips, deepest first. None: the paper's
            for VGG, else the last layer before each loss of resolution.

    Raises:
        InvalidArgumentError: A layer is unknown, or the factors are not those of ``levels``.
        AlignmentError: A layer of the model has no coordinate map.

    Example:
        >>> pyramid(backbone_model("VGG16"), levels=(2,)).factors
        [2, 16]
    """
    resolutions = Resolutions(model)
    tensors = [model.output, *_skips(model, resolutions.trace, levels, skip_layers)]
    for coarse, fine, factor in zip(tensors, tensors[1:], levels, strict=False):
        found = resolutions.between(coarse, fine)
        if found != factor:
            raise InvalidArgumentError(
                f"skip_layers must each have {factor} times the resolution of the one before; the layer of "
                f"{fine.name!r} has {found} times that of {coarse.name!r}."
            )
    extractor = keras.Model(model.input, tensors, name=f"{model.name}_features")
    image = keras.Input(model.input.shape[1:], name="image")
    padded = image
    if any(model.input.shape[axis] is None for axis in spatial_axes(model)):
        stride = resolutions.between(model.output, model.input)
        padded = PadToMultiple2D(stride, data_format_of(model), name="pad")(image)
    features = extractor(padded)
    return Pyramid(image, list(features), [*levels, resolutions.between(tensors[-1], model.input)])


def _skips(
    model: keras.Model, trace: alignment.Trace, levels: Sequence[int], skip_layers: Sequence[str] | None
) -> list[Any]:
    if skip_layers is None and len(levels) <= 2:
        skip_layers = PAPER_SKIPS.get(model.name)
    if skip_layers is None:
        return _last_before_each_loss(model, trace, levels)
    if len(skip_layers) < len(levels):
        raise InvalidArgumentError(
            f"skip_layers must name {len(levels)} layers, deepest first; received {list(skip_layers)}."
        )
    known = {layer.name: layer for layer in model.layers}
    unknown = [name for name in skip_layers if name not in known]
    if unknown:
        raise InvalidArgumentError(f"skip_layers must be layers of {model.name!r}; received {unknown}.")
    return [known[name].output for name in skip_layers[: len(levels)]]


def _last_before_each_loss(model: keras.Model, trace: alignment.Trace, levels: Sequence[int]) -> list[Any]:
    """The tensors nearest the output that have each resolution; padding only prepares the next loss."""
    found = []
    for count in range(1, len(levels) + 1):
        scale = Fraction(1, math.prod(levels[:count]))
        matches = (
            tensor
            for tensor in trace
            if isinstance(maps := trace.position(tensor), tuple)
            and all(axis.scale == scale for axis in maps)
            and not isinstance(tensor._keras_history.operation, PADDING)
        )
        skip = next(matches, None)
        if skip is None:
            raise InvalidArgumentError(
                f"{model.name!r} has no layer of {1 / scale} times the resolution of its output. Choose a "
                "larger stride."
            )
        found.append(skip)
    return found
