"""PSNR and SSIM by the protocol of the super-resolution papers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.extras import require

Luma = npt.NDArray[np.float32]

SSIM_WINDOW = 11
"""Side of the window of :func:`ssim` in pixels; smaller images have no SSIM."""


def _prepared(
    high: Luma, predicted: Luma, border: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if high.shape != predicted.shape or high.ndim != 2 or min(high.shape) <= 2 * border:
        raise InvalidArgumentError(
            "both images must be [height, width], of one shape and larger than twice the border of "
            f"{border}; received {list(high.shape)} and {list(predicted.shape)}."
        )
    inner = slice(border, -border or None)
    first, second = (
        np.round(np.clip(image.astype(np.float64), 0.0, 1.0) * 255.0)[inner, inner]
        for image in (high, predicted)
    )
    return first, second


def psnr(high: Luma, predicted: Luma, border: int) -> float:
    """Return the peak signal-to-noise ratio in dB of two luma images, rounded to 8 bits.

    Args:
        high: The original, ``[height, width]`` in [0, 1].
        predicted: Of the same shape; values outside [0, 1] are clipped.
        border: Pixels that are left out at every side; the papers leave out the scale.

    Returns:
        PSNR in dB for a peak of 255; infinity for equal images.

    Example:
        >>> psnr(np.zeros((8, 8), np.float32), np.full((8, 8), 1 / 255, np.float32), 2).__round__(2)
        48.13
    """
    first, second = _prepared(high, predicted, border)
    error = float(np.mean((first - second) ** 2))
    return 10.0 * float(np.log10(255.0**2 / error)) if error else float("inf")


def ssim(high: Luma, predicted: Luma, border: int) -> float:
    """Return the structural similarity of two luma images, rounded to 8 bits.

    The constants are those of the original paper: an 11x11 Gaussian window of sigma 1.5, K1 = 0.01,
    K2 = 0.03, and the mean over the positions where the window fits.

    Args:
        high: The original, ``[height, width]`` in [0, 1], at least 11 pixels a side inside the border.
        predicted: Of the same shape.
        border: Pixels that are left out at every side.

    Returns:
        From -1 to 1; 1 for equal images.

    Example:
        >>> ssim(np.eye(16, dtype=np.float32), np.eye(16, dtype=np.float32), 2)
        1.0

    References:
        Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004).
    """
    metrics: Any = require("skimage.metrics", extra="train", feature="SSIM")
    first, second = _prepared(high, predicted, border)
    if min(first.shape) < SSIM_WINDOW:
        raise InvalidArgumentError(
            f"SSIM needs at least {SSIM_WINDOW} pixels a side inside the border of {border}; "
            f"received {list(high.shape)}."
        )
    return float(
        metrics.structural_similarity(
            first, second, data_range=255.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
