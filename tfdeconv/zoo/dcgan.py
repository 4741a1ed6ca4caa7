"""The DCGAN generator: pictures from noise by a stack of transposed convolutions."""

from __future__ import annotations

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.layers import Conv2DTranspose
from tfdeconv.ops.tensors.data_format import is_channels_first

START = 4
"""Height and width of the first feature map."""


def DCGANGenerator(  # noqa: N802
    image_size: int = 64,
    *,
    channels: int = 3,
    latent_dim: int = 100,
    width: int = 64,
    kernel_size: int = 4,
    data_format: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Return the generator of a deep convolutional generative adversarial network.

    A projection of the noise to 4 x 4 features, then transposed convolutions of stride 2 that halve the
    channels and double the size, each normalised and rectified; the last ends in tanh. The default
    kernel of 4 taps is a multiple of the stride, so that every pixel sums as many taps (the paper's 5
    and the stride of 2 overlap unevenly).

    Args:
        image_size: Height and width of the pictures, 4 times a power of 2, at least 8.
        channels: Channels of the pictures.
        latent_dim: Length of the noise vector.
        width: Channels before the last layer; they double towards the noise.
        kernel_size: Taps of every transposed convolution, at least 2.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.
        name: Name of the model; None: ``dcgan_generator``.

    Returns:
        A model from noise ``[batch, latent_dim]`` to pictures ``[batch, image_size, image_size,
        channels]`` in [-1, 1].

    Raises:
        InvalidArgumentError: ``image_size`` is no such number, or ``kernel_size`` is below the stride.

    Example:
        >>> DCGANGenerator(32, width=16).output_shape
        (None, 32, 32, 3)

    References:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks", arXiv 1511.06434.
    """
    doublings = (image_size // START).bit_length() - 1
    if doublings < 1 or image_size != START << doublings:
        raise InvalidArgumentError(
            f"image_size must be 8, 16, 32, ... ({START} times a power of 2); received {image_size}."
        )
    if kernel_size < 2:
        raise InvalidArgumentError(f"kernel_size must be at least the stride, 2; received {kernel_size}.")
    channels_first = is_channels_first(data_format)
    data_format = "channels_first" if channels_first else "channels_last"
    axis = 1 if channels_first else -1
    start = keras.initializers.RandomNormal(stddev=0.02)
    filters = width << (doublings - 1)
    noise = keras.Input([latent_dim], name="noise")
    x = keras.layers.Dense(START * START * filters, use_bias=False, kernel_initializer=start, name="project")(
        noise
    )
    first = [filters, START, START] if channels_first else [START, START, filters]
    x = _rectified(keras.layers.Reshape(first, name="start")(x), axis, "project")
    for step in range(1, doublings):
        x = Conv2DTranspose(
            filters >> step,
            kernel_size,
            strides=2,
            padding="same",
            data_format=data_format,
            use_bias=False,
            kernel_initializer=start,
            name=f"up_{step}",
        )(x)
        x = _rectified(x, axis, f"up_{step}")
    picture = Conv2DTranspose(
        channels,
        kernel_size,
        strides=2,
        padding="same",
        data_format=data_format,
        activation="tanh",
        kernel_initializer=start,
        name="picture",
    )(x)
    return keras.Model(noise, picture, name=name or "dcgan_generator")


def _rectified(x: keras.KerasTensor, axis: int, name: str) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(axis=axis, momentum=0.9, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
