"""FSRCNN, the small super-resolution network that ends in a transposed convolution."""

from __future__ import annotations

import os

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.layers import BilinearUpsampling2D, Conv2DTranspose
from tfdeconv.layers.convolution import convolution_class
from tfdeconv.ops.tensors.data_format import is_channels_first
from tfdeconv.zoo.upscalers.pretrained import load_trained_weights


def FSRCNN(  # noqa: N802
    scale: int,
    *,
    weights: str | os.PathLike[str] | None = None,
    d: int = 56,
    s: int = 12,
    m: int = 4,
    data_format: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Return the FSRCNN network on luma, with a bilinear residual.

    The network adds its correction to the bilinear upsampling of the input, and its last transposed
    convolution starts at zero: untrained, the model is exactly bilinear interpolation.

    Args:
        scale: Upsampling factor, 2, 3 or 4.
        weights: ``"cc0-photos"`` for the trained weights that come with the package (``d``, ``s`` and ``m``
            at their defaults), an ``.npz`` file of ``tfdeconv train``, or None for an untrained network.
        d: Channels of the first and the expanding convolution.
        s: Channels of the mapping convolutions.
        m: Number of mapping convolutions.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.
        name: Name of the model; None: ``fsrcnn_x{scale}``.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``,
        both in [0, 1] on the BT.601 limited-range scale (black 16 / 255, white 235 / 255); any height
        and width.

    Raises:
        InvalidArgumentError: ``scale`` is not 2, 3 or 4, or ``weights`` do not fit or do not ship.

    Example:
        >>> model = FSRCNN(2)
        >>> model.output_shape
        (None, None, None, 1)
        >>> sum(weight.shape.num_elements() for weight in model.trainable_weights)
        12809

    References:
        Dong, Loy and Tang 2016, "Accelerating the Super-Resolution Convolutional Neural Network",
        arXiv 1608.00367, section 3.2.
    """
    if scale not in (2, 3, 4):
        raise InvalidArgumentError(f"scale must be 2, 3 or 4; received {scale!r}.")
    channels_first = is_channels_first(data_format)
    data_format = "channels_first" if channels_first else "channels_last"
    spatial = [2, 3] if channels_first else [1, 2]
    luma = keras.Input((1, None, None) if channels_first else (None, None, 1), name="luma")
    x = luma
    stages = [("feature", d, 5), ("shrink", s, 1)]
    stages += [(f"map_{index}", s, 3) for index in range(1, m + 1)]
    stages += [("expand", d, 1)]
    for stage, filters, kernel_size in stages:
        x = convolution_class(2, data_format)(
            filters,
            kernel_size,
            padding="same",
            data_format=data_format,
            kernel_initializer="he_normal",
            name=stage,
        )(x)
        x = keras.layers.PReLU(shared_axes=spatial, alpha_initializer=_quarter(), name=f"{stage}_prelu")(x)
    correction = Conv2DTranspose(
        1,
        9,
        strides=scale,
        padding="same",
        data_format=data_format,
        kernel_initializer="zeros",
        name="deconvolution",
    )(x)
    interpolated = BilinearUpsampling2D(scale, boundary="edge", data_format=data_format, name="bilinear")(
        luma
    )
    upscaled = keras.layers.Add(name="upscaled")([interpolated, correction])
    model = keras.Model(luma, upscaled, name=name or f"fsrcnn_x{scale}")
    if weights is not None:
        load_trained_weights(model, "fsrcnn", scale, weights)
    return model


def _quarter() -> keras.initializers.Initializer:
    """PReLU's usual start (He et al. 2015, arXiv 1502.01852)."""
    return keras.initializers.Constant(0.25)
