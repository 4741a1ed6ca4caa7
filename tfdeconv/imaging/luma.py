"""The luma that super-resolution trains on and is scored on: BT.601, limited range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bt601 import BLACK, LUMA_WEIGHTS


def luma(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the BT.601 limited-range luma of an 8-bit image, in units of 1/255.

    Args:
        image: ``[..., 3]`` RGB, uint8.

    Returns:
        ``[...]`` float32, from 16/255 (black) to 235/255 (white), not rounded.

    Raises:
        InvalidArgumentError: ``image`` is not uint8 RGB.

    Example:
        >>> (luma(np.array([[0, 0, 0], [255, 255, 255]], np.uint8)) * 255).round(3).tolist()
        [16.0, 235.0]

    References:
        ITU-R BT.601; the same scaling as MATLAB's ``rgb2ycbcr``.
    """
    if image.dtype != np.uint8 or image.ndim < 1 or image.shape[-1] != 3:
        raise InvalidArgumentError(
            "image must be uint8 RGB with 3 channels last; "
            f"received {image.dtype} of shape {list(image.shape)}."
        )
    weights = np.array(LUMA_WEIGHTS, np.float32)
    scaled: npt.NDArray[np.float32] = image.astype(np.float32) @ weights + np.float32(255.0 * BLACK)
    return scaled / np.float32(255.0)
