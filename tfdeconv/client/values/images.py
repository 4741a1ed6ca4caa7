"""Pictures as callers have them to tensors as served upscalers take them, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


def check_encoded(image: bytes) -> bytes:
    """Return encoded bytes that begin as a PNG or a JPEG does.

    Raises:
        ImageError: They do not.

    Example:
        >>> check_encoded(b"GIF89a")
        Traceback (most recent call last):
        ...
        tfdeconv.errors.ImageError: image must be a PNG or a JPEG; received 6 bytes that begin with b'GIF89a'.
    """
    if not image:
        raise ImageError("image must be a PNG or a JPEG; received no bytes.")
    if not image.startswith((_PNG, _JPEG)):
        raise ImageError(
            f"image must be a PNG or a JPEG; received {len(image)} bytes that begin with {image[:8]!r}."
        )
    return image


def to_unit_batch(image: Any) -> NDArray[np.float32]:
    """Return an image array as float32 in [0, 1] with a batch axis.

    Args:
        image: ``[H, W, 3]`` or ``[N, H, W, 3]``; uint8 and uint16 span their whole range, floats [0, 1].

    Raises:
        ImageError: Another shape or type, no pixels, or floats far outside [0, 1].
    """
    array = np.asarray(image)
    if array.ndim not in (3, 4) or array.shape[-1] != 3:
        raise ImageError(
            f"image must be RGB, [height, width, 3] or [batch, height, width, 3]; "
            f"received shape {list(array.shape)}."
        )
    if array.size == 0:
        raise ImageError(f"image must have at least one pixel; received shape {list(array.shape)}.")
    if array.dtype in (np.uint8, np.uint16):
        unit = array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "f":
        unit = array.astype(np.float32)
        if not (unit.min() >= -0.5 and unit.max() <= 1.5):  # filters overshoot a little; 0..255 is a mistake
            raise ImageError(
                f"image holds floats, which must lie in [0, 1]; received values from {unit.min():g} to "
                f"{unit.max():g}. Divide by the maximum, or pass uint8."
            )
    else:
        raise ImageError(f"image must be uint8, uint16 or float; received {array.dtype}.")
    return unit if array.ndim == 4 else unit[np.newaxis]


def from_unit_batch(batch: NDArray[Any], like: Any) -> NDArray[Any]:
    """Return an upscaled batch with the rank and type of ``like``; integers are clipped and rounded.

    Example:
        >>> from_unit_batch(np.array([[[[0.0, 0.5, 1.2]]]]), like=np.zeros((1, 1, 3), np.uint8))
        array([[[  0, 128, 255]]], dtype=uint8)
    """
    array = np.asarray(like)
    if array.dtype.kind == "u":
        top = np.iinfo(array.dtype).max
        batch = np.rint(np.clip(batch, 0, 1) * top).astype(array.dtype)
    return batch if array.ndim == 4 else batch[0]
