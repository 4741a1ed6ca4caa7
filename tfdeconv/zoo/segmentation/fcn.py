"""Fully convolutional networks for semantic segmentation on any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import keras

from tfdeconv.errors import AlignmentError, InvalidArgumentError
from tfdeconv.layers import CropLike
from tfdeconv.layers.convolution import convolution_class
from tfdeconv.zoo.segmentation.backbone import Resolutions, backbone_model, data_format_of, pyramid
from tfdeconv.zoo.segmentation.fcn_upsampling import Upsampling, upsample_scores


def FCN(  # noqa: N802
    backbone: str | keras.Model,
    num_classes: int,
    stride: int = 32,
    upsampling: Upsampling = "bilinear",
    *,
    skip_layers: Sequence[str] | None = None,
    head_filters: int = 0,
    input_shape: Sequence[int | None] | None = None,
    backbone_weights: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Return a fully convolutional network: FCN-32s, 16s or 8s on a backbone of stride 32.

    Each class is scored on the backbone's output; the scores are upsampled by 2 and added to the scores
    of a finer layer until ``stride`` is reached, and upsampled to the picture from there. The crops
    between them are computed by ``tfdeconv.alignment``, so that every score lies where its pixel is.

    Args:
        backbone: The name of a function of ``keras.applications`` ("VGG16", "ResNet50", ...), or a
            functional model with one picture in and one feature map out.
        num_classes: Number of classes, the background included.
        stride: Stride of the finest scores, the backbone's stride divided by a power of 2: for most
            backbones 32 (no skip), 16 (one) or 8 (two).
        upsampling: "bilinear" (fixed), "learned" (one kernel for each class, starting as bilinear),
            "additive" (a convolution and bilinear additive upsampling) or "subpixel" (a sub-pixel
            convolution, starting without checkerboard).
        skip_layers: Names of the layers to skip from, deepest first. None: pool4 and pool3 of VGG as
            in the paper; the last layer before each loss of resolution of other backbones.
        head_filters: Filters of the paper's fc6 and fc7 between backbone and scores (4096 there); 0
            scores the backbone's output itself.
        input_shape: The shape of a picture for a backbone by name, in Keras's layout; sizes may be None.
            None: three channels and free sizes.
        backbone_weights: The ``weights`` argument of a backbone by name; "imagenet" downloads.
        name: Name of the model; None: ``fcn_{stride}s``.

    Returns:
        A model from pictures ``[batch, height, width, channels]``, as the backbone expects them, to
        class scores (logits) ``[batch, height, width, num_classes]``, for every height and width where
        the backbone's are free.

    Raises:
        InvalidArgumentError: An argument breaks a rule.
        AlignmentError: The backbone has a layer without a coordinate map, adds tensors that lie
            differently, reaches less far than the picture, or no upsampling of this kind lies on its
            samples.

    Example:
        >>> model = FCN("VGG16", num_classes=21, stride=8)
        >>> model.compute_output_shape((1, 97, 161, 3))
        (1, 97, 161, 21)

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
        arXiv 1411.4038.
    """
    if num_classes < 1:
        raise InvalidArgumentError(f"num_classes must be at least 1; received {num_classes}.")
    if upsampling not in get_args(Upsampling):
        raise InvalidArgumentError(
            f"upsampling must be one of {', '.join(map(repr, get_args(Upsampling)))}; received "
            f"{upsampling!r}."
        )
    model = backbone_model(backbone, input_shape, backbone_weights)
    data_format = data_format_of(model)
    skips = _skip_count(Resolutions(model).between(model.output, model.input), stride)
    image, features, factors = pyramid(model, [2] * skips, skip_layers)
    scores = _score(
        _head(features[0], head_filters, data_format), num_classes, "score", "glorot_uniform", data_format
    )
    for index, (feature, factor) in enumerate(zip(features[1:], factors, strict=False), start=1):
        finer = _score(feature, num_classes, f"score_skip_{index}", "zeros", data_format)
        upsampled = upsample_scores(
            scores, finer, factor, upsampling, name=f"upscore_{index}", data_format=data_format
        )
        upsampled, finer = _overlay(upsampled, finer, f"crop_{index}", data_format)
        scores = keras.layers.Add(name=f"fuse_{index}")([upsampled, finer])
    upsampled = upsample_scores(
        scores, image, factors[-1], upsampling, name="upscore", data_format=data_format
    )
    scores = CropLike(data_format=data_format, name="scores")([upsampled, image])
    return keras.Model(image, scores, name=name or f"fcn_{stride}s")


def _skip_count(backbone_stride: int, stride: int) -> int:
    """How often the resolution doubles between the backbone's output and the finest scores."""
    for count in range(backbone_stride.bit_length()):
        if stride << count == backbone_stride:
            return count
    raise InvalidArgumentError(
        f"stride must be the backbone's stride {backbone_stride} divided by a power of 2; received {stride}."
    )


def _head(features: Any, filters: int, data_format: str) -> Any:
    """The paper's fc6 and fc7 as convolutions."""
    if not filters:
        return features
    for name, kernel_size in (("fc6", 7), ("fc7", 1)):
        features = convolution_class(2, data_format)(
            filters, kernel_size, padding="same", data_format=data_format, activation="relu", name=name
        )(features)
        features = keras.layers.Dropout(0.5, name=f"{name}_dropout")(features)
    return features


def _score(features: Any, num_classes: int, name: str, initializer: str, data_format: str) -> Any:
    """Class scores of every sample; skips start at zero, so that they start as the coarser network."""
    return convolution_class(2, data_format)(
        num_classes, 1, data_format=data_format, kernel_initializer=initializer, name=name
    )(features)


def _overlay(upsampled: Any, finer: Any, name: str, data_format: str) -> tuple[Any, Any]:
    """Crop whichever tensor reaches further, so that both show the same place."""
    try:
        return CropLike(data_format=data_format, name=name)([upsampled, finer]), finer
    except AlignmentError as error:
        try:
            return upsampled, CropLike(data_format=data_format, name=name)([finer, upsampled])
        except AlignmentError:
            raise error from None
