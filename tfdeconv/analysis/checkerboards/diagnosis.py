"""Measure the checkerboard of a kernel, name its cause, and try the remedies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfdeconv import geometry, ops
from tfdeconv.analysis.arithmetic.overlap import phase_counts
from tfdeconv.analysis.arithmetic.phases import checkerboard_score
from tfdeconv.analysis.checkerboards.artifacts import artifact_energy, natural_signal
from tfdeconv.analysis.checkerboards.checkerboard_report import (
    VISIBLE,
    Cause,
    Check,
    CheckedFix,
    LayerCheckerboard,
)
from tfdeconv.analysis.checkerboards.fixes import filled_kernel, fixes

PERIODS = 16
"""Strides along each axis over which a pattern is measured."""


def diagnose(
    path: str,
    kind: str,
    kernel: np.ndarray,
    strides: tuple[int, ...],
    dilation_rate: tuple[int, ...],
    *,
    groups: int = 1,
    finish: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    own: bool = True,
) -> LayerCheckerboard:
    """Check one transposed convolution, and every remedy where it needs one.

    Args:
        path: Name for the report.
        kind: Layer class or operation, for the report.
        kernel: ``[*kernel_size, filters // groups, channels]``.
        strides: Stride of each axis.
        dilation_rate: Dilation of each axis.
        groups: Groups of channels.
        finish: Adds bias and activation to the output.
        own: Whether the layer has ``kernel`` as its weight.

    Example:
        >>> diagnose("up", "Conv1DTranspose", np.ones([4, 1, 1]), (2,), (1,)).cause
        'none'
    """
    rank = len(strides)
    check = check_kernel(kernel, strides, dilation_rate, groups=groups, finish=finish)
    cause: Cause = "none"
    tried: list[CheckedFix] = []
    if check.score > VISIBLE:
        counts = phase_counts(kernel.shape[:rank], strides, dilation_rate)
        cause = "unequal phase sums" if counts.min() == counts.max() else "uneven overlap"
        for fix in fixes(kernel, strides, dilation_rate, own=own):
            after = check_kernel(fix.kernel, strides, fix.dilation_rate, groups=groups, finish=finish)
            tried.append(CheckedFix(fix.name, fix.advice, fix.change, after))
    filled = filled_kernel(kernel, dilation_rate)
    kernel_size = tuple(kernel.shape[:rank])
    return LayerCheckerboard(path, kind, strides, kernel_size, check, cause, tuple(tried), filled)


def check_kernel(
    kernel: np.ndarray,
    strides: tuple[int, ...],
    dilation_rate: tuple[int, ...],
    *,
    groups: int = 1,
    finish: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> Check:
    """Measure one transposed convolution; the arguments are those of :func:`diagnose`.

    Example:
        >>> round(check_kernel(np.ones([3, 1, 1]), (2,), (1,)).constant_energy, 6)
        0.1
    """

    def run(x: np.ndarray) -> np.ndarray:
        weights = tf.constant(kernel, tf.float32)
        full = ops.conv_transpose(
            x,
            weights,
            strides=strides,
            dilation_rate=dilation_rate,
            groups=groups,
            data_format="channels_last",
        )
        return np.asarray(finish(full))

    reach = max(map(geometry.effective_kernel_size, kernel.shape, dilation_rate))
    margin = math.ceil(reach / min(strides))  # inputs whose stamps the border cuts
    size = max(PERIODS, 2 * margin) + 2 * margin
    return measure(
        run,
        (size,) * len(strides),
        kernel.shape[-1],
        strides,
        crop=margin / size,
        score=checkerboard_score(kernel, strides, dilation_rate),
    )


def measure(
    run: Callable[[np.ndarray], np.ndarray],
    sizes: Sequence[int],
    channels: int,
    strides: tuple[int, ...],
    *,
    crop: float,
    score: float,
) -> Check:
    """Run something that upsamples by ``strides`` on a constant and on natural noise.

    Args:
        run: Takes ``[1, *sizes, channels]``, returns the upsampled ``[1, *sizes, filters]``.
        sizes: Input samples along each axis.
        channels: Input channels.
        strides: Upsampling factor along each axis.
        crop: Fraction of the output that is left out at each border.
        score: The score to report.

    Example:
        >>> measure(lambda x: np.repeat(x, 2, axis=1), (8,), 1, (2,), crop=0.1, score=0.0).constant_energy
        0.0
    """
    inputs = (np.ones((*sizes, channels), np.float32), natural_signal(sizes, channels))
    energies = []
    for x in inputs:
        y = run(x[np.newaxis])[0]
        margins = [math.ceil(crop * n) for n in y.shape[:-1]]
        inner = (slice(margin, n - margin) for n, margin in zip(y.shape, margins, strict=False))
        energies.append(artifact_energy(y[tuple(inner)], strides))
    return Check(score, *energies)
