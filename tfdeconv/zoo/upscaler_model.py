"""The luma networks by name, and the one that tfdeconv upscales with by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import keras

from tfdeconv.zoo.fsrcnn import FSRCNN
from tfdeconv.zoo.slim import Slim

LUMA_NETWORKS: Mapping[str, Callable[..., keras.Model]] = MappingProxyType({"fsrcnn": FSRCNN, "slim": Slim})
"""Architecture name -> function from the scale (and the name of shipped weights) to a model on luma."""

DEFAULT = ("slim", "cc0-photos")
"""Architecture and weights of :func:`load_upscaler`."""


def load_upscaler(scale: int) -> keras.Model:
    """Return the trained luma model that tfdeconv upscales with by default.

    Args:
        scale: Upsampling factor: 2, 3 or 4.

    Returns:
        A model from luma ``[batch, height, width, 1]`` to ``[batch, height * scale, width * scale, 1]``,
        both in [0, 1] on the BT.601 limited-range scale, of any size. Its weights come with the package.

    Raises:
        InvalidArgumentError: ``scale`` is not 2, 3 or 4.

    Example:
        >>> load_upscaler(2).output_shape
        (None, None, None, 1)
    """
    architecture, weights = DEFAULT
    return LUMA_NETWORKS[architecture](scale, weights=weights)
