"""Slim: a plain chain of 16-channel convolutions ending in one transposed convolution."""

from __future__ import annotations

import os
from typing import Any

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers import BilinearUpsampling2D, Conv2DTranspose
from tfdeconv.ops.data_format import is_channels_first
from tfdeconv.zoo.upscalers.pretrained import load_trained_weights

CHANNELS = 16
"""Channels of every hidden layer: one vector register of float32 on current processors."""

DEPTH = 5
"""Hidden 3x3 convolutions."""

KERNEL_SIZES = {2: 6, 3: 9, 4: 8}
"""Side of the last transposed convolution per scale: whole multiples of the stride, so that every output
sample is made from the same number of taps."""

RECEPTIVE_RADIUS = 2 + DEPTH + 1
"""How many input pixels away an output sample still sees: first layer, body, last layer. Tiles that overlap
by this much join without a seam."""

SLOPE = 0.2
"""Of the activations below zero."""

LEARNED_SLOPES = (3,)
"""Scales whose slopes are learned, one for each channel, from ``SLOPE`` on. It costs a third of the speed,
since TensorFlow joins LeakyReLU with the convolution and PReLU not, and only x3 needed it for its quality."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class NearIdentity(keras.initializers.Initializer):
    """Half-variance random weights plus the identity: a convolution that starts near a residual block.

    A short residual around a linear convolution is the same function as a convolution whose centre tap has
    the identity added, so the network trains like a residual one and runs as a plain one.

    Args:
        seed: Of the random part.

    References:
        Bhardwaj et al., "Collapsible linear blocks for super-efficient super resolution" (2022), section 3.2.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.noise = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return a kernel ``[height, width, channels, channels]`` of odd height and width."""
        height, width, channels, _ = shape
        identity = keras.ops.pad(
            keras.ops.eye(channels, dtype=dtype)[None, None],
            ((height // 2, height // 2), (width // 2, width // 2), (0, 0), (0, 0)),
        )
        return identity + self.noise(shape, dtype) * (0.5 / (height * width * channels) ** 0.5)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"seed": self.seed}


def _activation(scale: int, channels_first: bool, name: str) -> keras.layers.Layer:
    if scale not in LEARNED_SLOPES:
        return keras.layers.LeakyReLU(SLOPE, name=name)
    start = keras.initializers.Constant(SLOPE)
    return keras.layers.PReLU(
        alpha_initializer=start, shared_axes=[2, 3] if channels_first else [1, 2], name=name
    )


def Slim(  # noqa: N802
    scale: int,
    *,
    weights: str | os.PathLike[str] | None = None,
    data_format: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Build the luma upsampler that tfdeconv upscales with by default.

    One 5x5 and five 3x3 convolutions with 16 channels and LeakyReLU (at x3 PReLU), then a transposed
    convolution of stride ``scale``; its output is added to the bilinear enlargement of the input. Untrained
    it is exactly that enlargement.

    Args:
        scale: Upsampling factor: 2, 3 or 4.
        weights: ``"cc0-photos"`` for the trained weights that come with the package, an ``.npz`` file of
            ``tfdeconv train``, or None for untrained ones.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.
        name: Name of the model; None: ``slim_x{scale}``.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``,
        both in [0, 1] on the BT.601 limited-range scale, of any size.

    Raises:
        InvalidArgumentError: ``scale`` is not 2, 3 or 4, or ``weights`` do not fit or do not ship.

    Example:
        >>> Slim(2).count_params()
        12593
    """
    if scale not in KERNEL_SIZES:
        raise InvalidArgumentError(f"scale must be 2, 3 or 4; received {scale!r}.")
    channels_first = is_channels_first(data_format)
    data_format = "channels_first" if channels_first else "channels_last"
    image = keras.Input((1, None, None) if channels_first else (None, None, 1), name="luma")
    # Centred, so that the zero padding is mid-grey and not black.
    hidden = keras.layers.Rescaling(1.0, offset=-0.5, name="centred")(image)
    hidden = keras.layers.Conv2D(
        CHANNELS,
        5,
        padding="same",
        data_format=data_format,
        kernel_initializer="he_normal",
        name="features",
    )(hidden)
    hidden = _activation(scale, channels_first, "features_activation")(hidden)
    for index in range(DEPTH):
        convolution = keras.layers.Conv2D(
            CHANNELS,
            3,
            padding="same",
            data_format=data_format,
            kernel_initializer=NearIdentity(),
            name=f"body_{index}",
        )
        hidden = _activation(scale, channels_first, f"body_{index}_activation")(convolution(hidden))
    detail = Conv2DTranspose(
        1,
        KERNEL_SIZES[scale],
        strides=scale,
        padding="same",
        data_format=data_format,
        kernel_initializer="zeros",
        name="upsample",
    )(hidden)
    base = BilinearUpsampling2D(scale, boundary="edge", data_format=data_format, name="bilinear")(image)
    upscaled = keras.layers.Add(name="upscaled")([base, detail])
    model = keras.Model(image, upscaled, name=name or f"slim_x{scale}")
    if weights is not None:
        load_trained_weights(model, "slim", scale, weights)
    return model
