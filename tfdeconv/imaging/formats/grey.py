"""Pictures stored in colour that have none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_colour(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return RGB pixels, with or without alpha, as grey ones where all are grey; else as they are.

    Example:
        >>> without_colour(np.array([[[7, 7, 7], [9, 9, 9]]]))[..., 0].tolist()
        [[7, 9]]
    """
    red, green, blue = (pixels[..., channel] for channel in range(3))
    is_grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return pixels[..., 2:] if is_grey else pixels  # blue, and alpha where there is one
