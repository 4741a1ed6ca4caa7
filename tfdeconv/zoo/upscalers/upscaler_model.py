"""The luma networks by name, and those that tfdeconv upscales with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.upscalers.fine import Fine
from tfdeconv.zoo.upscalers.fsrcnn import FSRCNN
from tfdeconv.zoo.upscalers.pretrained import load_weights, named_weights, read_weights
from tfdeconv.zoo.upscalers.slim import Slim

LUMA_NETWORKS: Mapping[str, Callable[..., keras.Model]] = MappingProxyType(
    {"fine": Fine, "fsrcnn": FSRCNN, "slim": Slim}
)
"""Architecture name -> function from the scale (and weights) to a model on luma."""

Quality: TypeAlias = Literal["fast", "fine"]
Source: TypeAlias = Literal["clean", "jpeg"]

ARCHITECTURES: Mapping[str, str] = MappingProxyType({"fast": "slim", "fine": "fine"})
"""Quality -> architecture."""

DATA: Mapping[str, str] = MappingProxyType({"clean": "cc0-photos", "jpeg": "cc0-photos-jpeg"})
"""Source -> name of the weights that were trained for it."""


SCALES = (2, 3, 4)
"""Factors for which weights of every quality and source come with the package."""


def check_choice(quality: str, source: str) -> None:
    """Raise InvalidArgumentError where there is no such quality or source.

    Example:
        >>> check_choice("fast", "clean")
    """
    for name, value, known in (("quality", quality, ARCHITECTURES), ("source", source, DATA)):
        if value not in known:
            raise InvalidArgumentError(f"{name} must be {' or '.join(map(repr, known))}; received {value!r}.")


def load_upscaler(
    scale: int,
    *,
    quality: Quality = "fast",
    source: Source = "clean",
    weights: str | os.PathLike[str] | None = None,
    data_format: str | None = None,
) -> keras.Model:
    """Return a trained luma model: one of those that tfdeconv upscales with, or your own.

    Args:
        scale: Upsampling factor: 2, 3 or 4.
        quality: ``"fast"`` for :func:`~tfdeconv.zoo.Slim`, ``"fine"`` for :func:`~tfdeconv.zoo.Fine`, which
            is better and takes longer.
        source: What the pictures went through: ``"clean"``, or ``"jpeg"`` for those whose compression shows,
            which is then repaired.
        weights: ``.npz`` file of ``tfdeconv train``, of any of its architectures; ``quality`` and ``source``
            then do not matter. None: the weights that come with the package.
        data_format: "channels_last" or "channels_first" (axis 1 holds the channels then); None:
            ``keras.config.image_data_format()``.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``,
        both in [0, 1] on the BT.601 limited-range scale, of any size.

    Raises:
        InvalidArgumentError: ``scale`` is not 2, 3 or 4, there is no such quality or source, or the file
            cannot be read or fits no network of that scale.

    Example:
        >>> load_upscaler(2).output_shape
        (None, None, None, 1)
        >>> load_upscaler(2, source="jpeg").name
        'slim_x2'
    """
    if weights is None:
        check_choice(quality, source)
        return LUMA_NETWORKS[ARCHITECTURES[quality]](scale, weights=DATA[source], data_format=data_format)
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
