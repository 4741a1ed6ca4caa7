"""Scores of a model and of bicubic interpolation on one pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tfdeconv.imaging.bicubic import bicubic_resize
from tfdeconv.imaging.image_quality import Luma, psnr, ssim
from tfdeconv.imaging.luma import luma
from tfdeconv.training.scored_pairs import Pair


@dataclass(frozen=True)
class Score:
    """PSNR in dB and SSIM."""

    psnr: float
    ssim: float


def score(pair: Pair, upscale: Callable[[Luma], Luma], scale: int) -> Score:
    """Return the score of ``upscale`` (luma in, luma out) on one pair.

    Example:
        >>> high = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
        >>> pair = Pair("noise", high[::2, ::2], high)
        >>> score(pair, lambda low: np.kron(low, np.ones((2, 2), np.float32)), 2).psnr < 30
        True
    """
    predicted, high = upscale(luma(pair.low)), luma(pair.high)
    return Score(psnr(high, predicted, scale), ssim(high, predicted, scale))


def bicubic(scale: int) -> Callable[[Luma], Luma]:
    """Return bicubic interpolation as an upscaler to score."""
    return lambda low: bicubic_resize(low, scale)


def mean_score(scores: Iterable[Score]) -> Score:
    """Return the mean over images, as the papers take it: of decibels, not of errors.

    Example:
        >>> mean_score([Score(30.0, 0.8), Score(40.0, 1.0)])
        Score(psnr=35.0, ssim=0.9)
    """
    psnrs, ssims = zip(*((one.psnr, one.ssim) for one in scores), strict=True)
    return Score(float(np.mean(psnrs)), float(np.mean(ssims)))
