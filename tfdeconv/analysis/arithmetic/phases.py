"""Phase sums: what a transposed convolution makes of a constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfdeconv import geometry
from tfdeconv.analysis.arithmetic.configuration import Ints
from tfdeconv.analysis.arithmetic.kernel_layout import kernel_rank
from tfdeconv.geometry import axis_arguments


def phase_sums(kernel: Any, strides: Ints, dilation_rate: Ints = 1) -> np.ndarray:
    """Return the sum of the taps that reach each phase of the strides.

    Interior output samples ``q`` with ``q % stride == r`` only see the taps ``r, r + stride, ...``, so
    a constant input of 1 gives the value ``phase_sums[r]`` there: without a checkerboard if and only
    if all of them are equal.

    Args:
        kernel: Taps ``[*kernel_size]``, or ``[*kernel_size, filters // groups, channels]``.
        strides: Stride; an int or one for each axis. With ints, a kernel of rank 3 is read as 1-D
            with filters and channels.
        dilation_rate: Spacing of the taps; an int or one for each axis.

    Returns:
        float64 ``[*strides]``, with Keras's layout ``[*strides, filters // groups, channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> phase_sums([1, 1, 1], 2)
        array([2., 1.])
        >>> phase_sums([0.25, 0.75, 0.75, 0.25], 2)
        array([1., 1.])

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts", Distill; Aitken et
        al. 2017, "Checkerboard artifact free sub-pixel convolution", arXiv 1707.02937.
    """
    sums = np.asarray(kernel, dtype=np.float64)
    rank = kernel_rank(sums, strides, dilation_rate)
    steps = axis_arguments.per_axis("strides", strides, rank)
    rates = axis_arguments.per_axis("dilation_rate", dilation_rate, rank)
    for axis, (step, rate) in enumerate(zip(steps, rates, strict=True)):
        one_hot = np.arange(step)[:, None] == geometry.phases(sums.shape[axis], step, rate)
        sums = np.moveaxis(np.tensordot(one_hot, sums, axes=(1, axis)), 0, axis)
    return sums


def checkerboard_score(kernel: Any, strides: Ints, dilation_rate: Ints = 1) -> float:
    """Return how much checkerboard a transposed convolution makes of constants, from 0 to 1.

    The amplitude of the pattern relative to the output's, for constant inputs whose channels have
    independent values: ``sqrt(sum((P - mean(P))**2) / sum(P**2))`` over the phase sums ``P``, the mean
    taken over the phases of each pair of filter and channel.

    Args:
        kernel: As in :func:`phase_sums`, like all that follow.
        strides: Stride; an int or one for each axis.
        dilation_rate: Spacing of the taps.

    Example:
        >>> round(checkerboard_score([1, 1, 1], 2), 3)  # 2, 1, 2, 1, ...: 1.5 +- 0.5
        0.316
        >>> checkerboard_score([0.25, 0.75, 0.75, 0.25], 2)
        0.0
    """
    sums = phase_sums(kernel, strides, dilation_rate)
    weights = np.asarray(kernel)
    phases = tuple(range(kernel_rank(weights, strides, dilation_rate)))
    energy = np.square(sums).sum()
    return (
        float(np.sqrt(np.square(sums - sums.mean(axis=phases, keepdims=True)).sum() / energy))
        if energy
        else 0.0
    )
