"""How far around a pixel an upscaling network looks."""

from __future__ import annotations

import keras
import numpy as np

from tfdeconv.keras_reading import positive_copy

_FIRST_PROBE = 65
_BRIGHT = 1e6  # so that what is left of it far away is not lost beside the rest to rounding


def receptive_radius(model: keras.Model, scale: int) -> int:
    """Return the largest distance, in input pixels, from which an input changes an output.

    In a copy whose weights are all positive nothing cancels, so a single bright pixel reaches every output
    that depends on it whatever the trained weights are.

    Args:
        model: Maps ``[batch, height, width, channels]`` to ``scale`` times the size; functional or
            Sequential. Its dilations must be at most 16.
        scale: Upsampling factor of ``model``.

    Example:
        >>> from tfdeconv.zoo import FSRCNN
        >>> receptive_radius(FSRCNN(2), scale=2)  # 5x5, four 3x3, and 9x9 of stride 2: 2 + 4 + 2
        8
    """
    probe = positive_copy(model)
    size = _FIRST_PROBE
    while True:
        centre = size // 2
        picture = np.zeros((1, size, size, model.input_shape[-1]), np.float64)
        dark = probe(picture, training=False).numpy()
        picture[:, centre, centre] = _BRIGHT
        changed = (probe(picture, training=False).numpy() != dark).any(axis=(0, -1))
        reached = np.argwhere(changed) // scale
        radius = int(np.abs(reached - centre).max(initial=0))
        if 2 * radius <= centre:  # with gaps in a kernel, something shows past half the way first
            return radius
        size *= 2
