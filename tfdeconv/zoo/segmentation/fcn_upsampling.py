"""Upsampling class scores so that they lie on the samples of a finer tensor."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from tfdeconv import alignment
from tfdeconv.errors import AlignmentError
from tfdeconv.initializers import ICNR, Bilinear
from tfdeconv.layers import (
    BilinearAdditiveUpsampling2D,
    BilinearUpsampling2D,
    DepthwiseConv2DTranspose,
    SubpixelConv2D,
)
from tfdeconv.layers.convolution import convolution_class

Upsampling: TypeAlias = Literal["bilinear", "learned", "additive", "subpixel"]

ADDED_CHANNELS = 4
"""Channels that additive upsampling sums to one (Wojna et al. 2017, arXiv 1707.05847)."""


def upsample_scores(
    scores: Any,
    reference: Any,
    factor: int,
    upsampling: Upsampling,
    *,
    name: str,
    data_format: str = "channels_last",
) -> Any:
    """Return ``scores`` upsampled by ``factor``, a whole number of samples away from ``reference``.

    Where the samples of ``scores`` lie between those of ``reference`` (pooling by 2), the kernel of the
    interpolation has ``2 * factor`` taps; where they lie on them (strided convolutions with a centred
    odd kernel) it has ``2 * factor - 1``.

    Raises:
        AlignmentError: The samples lie elsewhere, or on those of ``reference`` where "additive" and
            "subpixel" have only the first kind.

    Example:
        >>> import keras
        >>> scores = keras.layers.MaxPooling2D(2)(image := keras.Input([8, 8, 3]))
        >>> upsample_scores(scores, image, 2, "bilinear", name="up").shape
        (None, 8, 8, 3)
    """
    place = alignment.map_between(scores, reference)
    channels = scores.shape[1 if data_format == "channels_first" else -1]
    learned = upsampling == "learned"
    if all((axis.offset - alignment.CoordinateMap.resize(factor).offset).denominator == 1 for axis in place):
        if upsampling in ("bilinear", "learned"):
            return BilinearUpsampling2D(factor, trainable=learned, data_format=data_format, name=name)(scores)
        if upsampling == "additive":
            expanded = convolution_class(2, data_format)(
                ADDED_CHANNELS * channels,
                3,
                padding="same",
                data_format=data_format,
                name=f"{name}_expand",
            )
            layer = BilinearAdditiveUpsampling2D(
                factor, reduction=ADDED_CHANNELS, boundary="zero", data_format=data_format, name=name
            )
            return layer(expanded(scores))
        return SubpixelConv2D(
            channels, 3, factor, data_format=data_format, kernel_initializer=ICNR(factor), name=name
        )(scores)
    if all(axis.offset.denominator == 1 for axis in place) and upsampling in ("bilinear", "learned"):
        layer = DepthwiseConv2DTranspose(
            2 * factor - 1,
            strides=factor,
            data_format=data_format,
            use_bias=False,
            kernel_initializer=Bilinear(groups=channels),
            trainable=learned,
            name=name,
        )
        return layer(scores)
    raise AlignmentError(
        f"upsampling={upsampling!r} by {factor} cannot lie on the samples of {reference.name!r}: scores lie "
        f"at {' and '.join(map(str, place))} of it. Use upsampling='bilinear' or 'learned', or other "
        "skip_layers."
    )
