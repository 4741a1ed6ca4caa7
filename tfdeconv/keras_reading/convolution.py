"""Which layers are convolutions."""

from __future__ import annotations

from typing import Any

from keras import layers

from tfdeconv.keras_reading.own_call import computes_like

CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def is_convolution(layer: Any) -> bool:
    """Return whether ``layer`` convolves with ``kernel`` ``[*kernel_size, channels // groups, filters]``.

    Example:
        >>> is_convolution(layers.Conv2D(1, 3)), is_convolution(layers.Conv2DTranspose(1, 3))
        (True, False)
    """
    return any(computes_like(layer, known) for known in CONVOLUTIONS)
