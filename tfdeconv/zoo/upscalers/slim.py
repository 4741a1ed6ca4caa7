"""Slim: a plain chain of 16-channel convolutions ending in one transposed convolution."""

from __future__ import annotations

import os

import keras

from tfdeconv.zoo.upscalers.chain import upsampling_chain
from tfdeconv.zoo.upscalers.pretrained import load_trained_weights

CHANNELS = 16
"""Channels of every hidden layer: one vector register of float32 on current processors."""

DEPTH = 5
"""Hidden 3x3 convolutions."""

LEARNED_SLOPES = (3,)
"""Scales whose slopes are learned, one for each channel. It costs a third of the speed, since TensorFlow
joins LeakyReLU with the convolution and PReLU not, and only x3 needed it for its quality."""


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
        weights: Name of trained weights that come with the package, such as ``"cc0-photos"``, an ``.npz``
            file of ``tfdeconv train``, or None for untrained ones.
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
    model = upsampling_chain(
        scale,
        channels=CHANNELS,
        depth=DEPTH,
        learned_slopes=scale in LEARNED_SLOPES,
        data_format=data_format,
        name=name or f"slim_x{scale}",
    )
    if weights is not None:
        load_trained_weights(model, "slim", scale, weights)
    return model
