"""Bicubic resizing as MATLAB's ``imresize`` does it: how the field's test sets were degraded.

A reduction widens the cubic kernel (a = -0.5) by its factor, so that it acts as the antialiasing
filter. Borders are mirrored with the edge sample repeated, and the rows are finished and rounded to 8
bits before the columns, which is what ``imresize`` does with 8-bit images.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError

Image = npt.NDArray[np.uint8]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


def cubic(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the cubic convolution kernel with a = -0.5 at ``distance`` samples from its centre.

    Example:
        >>> cubic(np.array([0.0, 0.5, 1.0, 2.0])).tolist()
        [1.0, 0.5625, 0.0, 0.0]

    References:
        Keys, "Cubic convolution interpolation for digital image processing" (1981), equation 15.
    """
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))


def resize_taps(size: int, scale: Fraction) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return which input samples make each output sample of one axis, and their weights.

    Args:
        size: Input samples of the axis.
        scale: Output sampling rate over input sampling rate.

    Returns:
        ``indices`` and ``weights``, both ``[ceil(size * scale), taps]``; the weights of a row sum to 1.

    Example:
        >>> indices, weights = resize_taps(8, Fraction(1, 2))
        >>> indices[0].tolist()
        [3, 2, 1, 0, 0, 1, 2, 3, 4, 5]
        >>> weights.sum(axis=1).round(12).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    width = max(1.0, float(1 / scale))  # the kernel is widened only when it has to antialias
    centres = (np.arange(math.ceil(size * scale)) + 0.5) / float(scale) - 0.5
    positions = np.floor(centres - 2 * width).astype(np.intp)[:, None] + np.arange(math.ceil(4 * width) + 2)
    weights = cubic((centres[:, None] - positions) / width)
    weights /= weights.sum(axis=1, keepdims=True)
    indices = positions % (2 * size)  # mirrored with the edge sample repeated: period 2 * size
    return np.where(indices < size, indices, 2 * size - 1 - indices), weights


def _resize_rows(image: Pixels, scale: Fraction) -> Pixels:
    indices, weights = resize_taps(image.shape[0], scale)
    shape = (-1,) + (1,) * (image.ndim - 1)
    total = np.zeros((len(indices), *image.shape[1:]), np.float32)
    for tap in range(indices.shape[1]):
        total += weights[:, tap].astype(np.float32).reshape(shape) * image[indices[:, tap]]
    if image.dtype == np.uint8:
        return np.clip(np.floor(total + 0.5), 0, 255).astype(np.uint8)
    return total


def bicubic_resize(image: Pixels, scale: Fraction | int) -> Pixels:
    """Resize an image with MATLAB's bicubic filter, antialiased when it shrinks.

    Args:
        image: ``[height, width]`` or ``[height, width, channels]``, uint8 or float32.
        scale: Factor of both axes as an exact number, so that ``Fraction(1, 3)`` reduces by 3.

    Returns:
        ``[ceil(height * scale), ceil(width * scale), ...]`` of the same type; floats are neither rounded nor
        clipped.

    Raises:
        InvalidArgumentError: ``image`` is of another type or not an image, or ``scale`` is not positive.

    Example:
        >>> bicubic_resize(np.full((6, 9, 3), 7, np.uint8), Fraction(1, 3)).shape
        (2, 3, 3)
    """
    if image.dtype not in (np.uint8, np.float32) or image.ndim not in (2, 3) or 0 in image.shape:
        raise InvalidArgumentError(
            "image must be uint8 or float32, [height, width] or [height, width, channels] and not empty; "
            f"received {image.dtype} of shape {list(image.shape)}."
        )
    if scale <= 0:
        raise InvalidArgumentError(f"scale must be positive; received {scale}.")
    rows = _resize_rows(image, Fraction(scale))
    return np.ascontiguousarray(np.swapaxes(_resize_rows(np.swapaxes(rows, 0, 1), Fraction(scale)), 0, 1))


def degrade(image: Image, scale: int) -> tuple[Image, Image]:
    """Make a (low, high) resolution pair: crop to a multiple of ``scale``, then reduce by it.

    Args:
        image: ``[height, width]`` or ``[height, width, channels]``, uint8.
        scale: Integer upsampling factor to train or score for.

    Returns:
        The reduced image and the cropped original, ``scale`` times as large on both axes.

    Example:
        >>> low, high = degrade(np.zeros((7, 9), np.uint8), 2)
        >>> low.shape, high.shape
        ((3, 4), (6, 8))
    """
    height, width = (size // scale * scale for size in image.shape[:2])
    high = image[:height, :width]
    return bicubic_resize(high, Fraction(1, scale)), high
