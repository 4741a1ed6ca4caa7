"""The luma networks by name, and the one that tfdeconv upscales with by default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.upscalers.fsrcnn import FSRCNN
from tfdeconv.zoo.upscalers.pretrained import load_weights, named_weights, read_weights
from tfdeconv.zoo.upscalers.slim import Slim

LUMA_NETWORKS: Mapping[str, Callable[..., keras.Model]] = MappingProxyType({"fsrcnn": FSRCNN, "slim": Slim})
"""Architecture name -> function from the scale (and weights) to a model on luma."""

DEFAULT = ("slim", "cc0-photos")
"""Architecture and weights of :func:`load_upscaler`."""


def load_upscaler(
    scale: int, *, weights: str | os.PathLike[str] | None = None, data_format: str | None = None
) -> keras.Model:
    """Return a trained luma model: the one that tfdeconv upscales with by default, or your own.

    Args:
        scale: Upsampling factor: 2, 3 or 4.
        weights: ``.npz`` file of ``tfdeconv train``, of any of its architectures; None: the weights that
            come with the package.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``,
        both in [0, 1] on the BT.601 limited-range scale, of any size.

    Raises:
        InvalidArgumentError: ``scale`` is not 2, 3 or 4, or the file cannot be read or fits no network of
            that scale.

    Example:
        >>> load_upscaler(2).output_shape
        (None, None, None, 1)
    """
    if weights is None:
        architecture, name = DEFAULT
        return LUMA_NETWORKS[architecture](scale, weights=name, data_format=data_format)
    shapes = {name: array.shape for name, array in read_weights(Path(weights)).items()}
    for network in LUMA_NETWORKS.values():
        model = network(scale, data_format="channels_last")  # as the file was written
        if shapes == {name: tuple(weight.shape) for name, weight in named_weights(model).items()}:
            model = network(scale, data_format=data_format)
            load_weights(model, Path(weights))
            return model
    raise InvalidArgumentError(
        f"weights {str(weights)!r} fit no network for scale {scale} ({', '.join(LUMA_NETWORKS)}). Were they "
        "trained for another scale?"
    )
