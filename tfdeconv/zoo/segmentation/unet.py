"""U-Net decoders on any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import keras

from tfdeconv import alignment
from tfdeconv.errors import AlignmentError, InvalidArgumentError
from tfdeconv.initializers import ICNR
from tfdeconv.layers import Conv2DTranspose, CropLike, ResizeConv2D, SubpixelConv2D
from tfdeconv.layers.convolution import convolution_class
from tfdeconv.zoo.segmentation.backbone import Resolutions, backbone_model, data_format_of, pyramid

UNetUpsampling: TypeAlias = Literal["transposed", "subpixel", "resize"]


def UNetDecoder(  # noqa: N802
    backbone: str | keras.Model,
    num_classes: int,
    *,
    filters: Sequence[int] = (256, 128, 64, 32, 16),
    upsampling: UNetUpsampling = "transposed",
    skip_layers: Sequence[str] | None = None,
    input_shape: Sequence[int | None] | None = None,
    backbone_weights: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Return a U-Net: the backbone's features, upsampled step by step and joined with finer ones.

    Each step doubles the resolution with a learned layer, crops it to the skip of that resolution as
    ``tfdeconv.alignment`` says, joins the two, and convolves twice.

    Args:
        backbone: The name of a function of ``keras.applications``, or a functional model with one
            picture in and one feature map out, whose stride is a power of 2.
        num_classes: Channels of the output.
        filters: Channels of each step, deepest first; as many as the backbone halves the resolution.
        upsampling: "transposed" (stride 2; 4 taps, or 3 where the samples of the skip coincide with the
            coarser ones, as after strided convolutions), "subpixel" (starting without checkerboard)
            or "resize" (nearest, then a convolution).
        skip_layers: Names of the layers to join, deepest first, as many as ``filters``. None: the last
            layer before each loss of resolution; at full resolution this may be the picture itself.
        input_shape: The shape of a picture for a backbone by name, in Keras's layout; sizes may be None.
            None: three channels and free sizes.
        backbone_weights: The ``weights`` argument of a backbone by name; "imagenet" downloads.
        name: Name of the model; None: ``unet``.

    Returns:
        A model from pictures ``[batch, height, width, channels]`` to ``[batch, height, width,
        num_classes]`` (logits), for every height and width where the backbone's are free.

    Raises:
        InvalidArgumentError: An argument breaks a rule.
        AlignmentError: The backbone has a layer without a coordinate map, or no upsampling of this kind
            lies on its samples.

    Example:
        >>> model = UNetDecoder("VGG16", num_classes=2, filters=(64, 64, 32, 16, 8))
        >>> model.compute_output_shape((1, 50, 70, 3))
        (1, 50, 70, 2)

    References:
        Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional Networks for Biomedical Image
        Segmentation", arXiv 1505.04597.
    """
    if upsampling not in get_args(UNetUpsampling):
        raise InvalidArgumentError(
            f"upsampling must be one of {', '.join(map(repr, get_args(UNetUpsampling)))}; received "
            f"{upsampling!r}."
        )
    model = backbone_model(backbone, input_shape, backbone_weights)
    data_format = data_format_of(model)
    axis = 1 if data_format == "channels_first" else -1
    steps = Resolutions(model).between(model.output, model.input).bit_length() - 1
    if len(filters) != steps:
        raise InvalidArgumentError(
            f"filters must hold {steps} numbers, one for each doubling of the backbone's stride {2**steps}; "
            f"received {tuple(filters)}."
        )
    image, features, _ = pyramid(model, [2] * steps, skip_layers)
    x = features[0]
    for step, (skip, width) in enumerate(zip(features[1:], filters, strict=True), start=1):
        x = _double(x, skip, width, upsampling, name=f"up_{step}", data_format=data_format)
        x = CropLike(data_format=data_format, name=f"crop_{step}")([x, skip])
        x = keras.layers.Concatenate(axis=axis, name=f"join_{step}")([x, skip])
        x = _convolve_twice(x, width, name=f"step_{step}", data_format=data_format)
    x = CropLike(data_format=data_format, name="crop")([x, image])
    scores = convolution_class(2, data_format)(num_classes, 1, data_format=data_format, name="scores")(x)
    return keras.Model(image, scores, name=name or "unet")


def _double(x: Any, skip: Any, width: int, upsampling: UNetUpsampling, *, name: str, data_format: str) -> Any:
    """Upsample by 2 onto the samples of ``skip``, or between them, wherever those of ``x`` lie."""
    between = all(axis.offset.denominator == 2 for axis in alignment.map_between(x, skip))
    if upsampling == "transposed":
        return Conv2DTranspose(
            width,
            4 if between else 3,
            strides=2,
            use_bias=False,
            data_format=data_format,
            name=name,
        )(x)
    if not between:
        raise AlignmentError(
            f"upsampling={upsampling!r} cannot lie on the samples of {skip.name!r}, which coincide with the "
            "coarser ones. Use upsampling='transposed', or other skip_layers."
        )
    if upsampling == "subpixel":
        return SubpixelConv2D(
            width, 3, 2, use_bias=False, data_format=data_format, kernel_initializer=ICNR(2), name=name
        )(x)
    return ResizeConv2D(width, 3, 2, use_bias=False, data_format=data_format, name=name)(x)


def _convolve_twice(x: Any, width: int, *, name: str, data_format: str) -> Any:
    axis = 1 if data_format == "channels_first" else -1
    for index in (1, 2):
        x = convolution_class(2, data_format)(
            width, 3, padding="same", use_bias=False, data_format=data_format, name=f"{name}_conv{index}"
        )(x)
        x = keras.layers.BatchNormalization(axis=axis, name=f"{name}_norm{index}")(x)
        x = keras.layers.ReLU(name=f"{name}_relu{index}")(x)
    return x
