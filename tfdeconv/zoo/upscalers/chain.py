"""A plain chain of convolutions that ends in one transposed convolution: the body of Slim and of Fine."""

from __future__ import annotations

from typing import Any

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers import BilinearUpsampling2D, Conv2DTranspose
from tfdeconv.layers.convolution import convolution_class
from tfdeconv.ops.tensors.data_format import is_channels_first

KERNEL_SIZES = {2: 6, 3: 9, 4: 8}
"""Side of the last transposed convolution per scale: whole multiples of the stride, so that every output
sample is made from the same number of taps."""

SLOPE = 0.2
"""Of the activations below zero."""


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


def upsampling_chain(
    scale: int,
    *,
    channels: int,
    depth: int,
    learned_slopes: bool,
    data_format: str | None = None,
    name: str,
) -> keras.Model:
    """Build a luma upsampler: one 5x5 and ``depth`` 3x3 convolutions, then a transposed convolution.

    Its output is added to the bilinear enlargement of the input. Untrained it is exactly that enlargement.

    Args:
        scale: Upsampling factor, a key of ``KERNEL_SIZES``.
        channels: Of every hidden layer.
        depth: 3x3 convolutions.
        learned_slopes: Whether the activations are PReLU, with a slope for each channel, and not LeakyReLU.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.
        name: Of the model.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``.

    Raises:
        InvalidArgumentError: There is no kernel size for ``scale``.

    Example:
        >>> upsampling_chain(2, channels=4, depth=1, learned_slopes=False, name="tiny").output_shape
        (None, None, None, 1)
    """
    if scale not in KERNEL_SIZES:
        raise InvalidArgumentError(f"scale must be 2, 3 or 4; received {scale!r}.")
    channels_first = is_channels_first(data_format)
    layout: dict[str, Any] = {
        "padding": "same",
        "data_format": "channels_first" if channels_first else "channels_last",
    }
    image = keras.Input((1, None, None) if channels_first else (None, None, 1), name="luma")
    # Centred, so that the zero padding is mid-grey and not black.
    hidden = keras.layers.Rescaling(1.0, offset=-0.5, name="centred")(image)
    convolution = convolution_class(2, layout["data_format"])
    hidden = convolution(channels, 5, kernel_initializer="he_normal", name="features", **layout)(hidden)
    hidden = _activation(learned_slopes, channels_first, "features_activation")(hidden)
    for index in range(depth):
        body = convolution(channels, 3, kernel_initializer=NearIdentity(), name=f"body_{index}", **layout)
        hidden = _activation(learned_slopes, channels_first, f"body_{index}_activation")(body(hidden))
    detail = Conv2DTranspose(
        1, KERNEL_SIZES[scale], strides=scale, kernel_initializer="zeros", name="upsample", **layout
    )(hidden)
    base = BilinearUpsampling2D(scale, boundary="edge", data_format=layout["data_format"], name="bilinear")(
        image
    )
    upscaled = keras.layers.Add(name="upscaled")([base, detail])
    return keras.Model(image, upscaled, name=name)


def _activation(learned: bool, channels_first: bool, name: str) -> keras.layers.Layer:
    if not learned:
        return keras.layers.LeakyReLU(SLOPE, name=name)
    start = keras.initializers.Constant(SLOPE)
    shared_axes = [2, 3] if channels_first else [1, 2]
    return keras.layers.PReLU(alpha_initializer=start, shared_axes=shared_axes, name=name)
