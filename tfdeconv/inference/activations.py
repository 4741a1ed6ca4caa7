"""Activations rewritten so that they fuse with the convolution in front of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfdeconv.inference.max_prelu import MaxPReLU


def cheaper_activation(layer: keras.Layer, *, dtype: Any = None) -> tuple[keras.Layer, str] | None:
    """Return a layer that equals the PReLU ``layer``, and what was done; None where there is none.

    One slope for all channels makes it a leaky ReLU, which TensorFlow computes inside the
    convolution; slopes up to 1 make it a maximum. Its policy is ``dtype``, by default that of ``layer``.

    Example:
        >>> layer = keras.layers.PReLU(shared_axes=[1, 2], alpha_initializer="zeros")
        >>> layer.build((None, 4, 4, 8))
        >>> cheaper_activation(layer)[1]
        'PReLU -> ReLU'
    """
    if type(layer) is not keras.layers.PReLU:
        return None
    slopes = np.asarray(layer.alpha)
    options = {"name": layer.name, "dtype": dtype or layer.dtype_policy}
    first = float(slopes.flat[0])
    if np.all(slopes == first) and 0 <= first <= 1:
        if first == 0:
            return keras.layers.ReLU(**options), "PReLU -> ReLU"
        return keras.layers.LeakyReLU(negative_slope=first, **options), "PReLU -> leaky ReLU"
    if np.all(slopes <= 1):
        faster = MaxPReLU(slopes.shape, **options)
        faster.build(())
        faster.set_weights([slopes])
        return faster, "PReLU -> max(x, alpha * x)"
    return None
