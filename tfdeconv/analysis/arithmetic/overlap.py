"""How many kernel taps reach each output sample."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfdeconv import geometry
from tfdeconv.analysis.arithmetic.configuration import Ints, configuration
from tfdeconv.geometry import axis_arguments


@dataclass(frozen=True)
class Overlap:
    """Overlap counts of a transposed convolution.

    Attributes:
        counts: Taps that reach each output sample, int array ``[*output_size]``. Away from the
            borders it repeats with the strides.
        phases: Taps that reach each phase of the stride in the interior, int array ``[*strides]``;
            entry r counts the samples ``q`` of the full output with ``q % stride == r``.
    """

    counts: np.ndarray
    phases: np.ndarray

    @property
    def even(self) -> bool:
        """Whether every interior sample gets equally many taps."""
        return bool(self.phases.min() == self.phases.max())


def overlap(
    input_size: Ints,
    kernel_size: Ints,
    *,
    strides: Ints = 1,
    padding: Any = "valid",
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    dilation_rate: Ints = 1,
) -> Overlap:
    """Count the kernel taps that reach each output sample.

    Args:
        input_size: Samples along each axis.
        kernel_size: Taps along each axis.
        strides: As in :func:`tfdeconv.ops.conv_transpose`, like all that follow.
        padding: "same", "valid", ints, or (before, after) pairs.
        output_padding: None, an int, or one for each axis.
        output_shape: Output samples along each axis, instead of ``output_padding``.
        dilation_rate: Spacing of the taps.

    Returns:
        The counts, over the output and by phase.

    Raises:
        InvalidArgumentError: An argument breaks a rule of :mod:`tfdeconv.geometry`.

    Example:
        >>> overlap(4, 3, strides=2)
        Overlap(counts=array([1, 1, 2, 1, 2, 1, 2, 1, 1]), phases=array([2, 1]))
        >>> overlap(4, 4, strides=2).even
        True

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts", Distill.
    """
    config = configuration(
        input_size,
        kernel_size,
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        output_shape=output_shape,
        dilation_rate=dilation_rate,
    )
    return Overlap(
        _outer([axis.selector().sum(axis=(1, 2), dtype=int) for axis in config.axes]),
        phase_counts(config.kernel_size, config.strides, config.dilation_rate),
    )


def phase_counts(kernel_size: Ints, strides: Ints, dilation_rate: Ints = 1) -> np.ndarray:
    """Return how many taps reach each phase of the strides, int array ``[*strides]``.

    Example:
        >>> phase_counts((5,), (3,))
        array([2, 2, 1])
    """
    rank = axis_arguments.axes_named(kernel_size) or 1
    axes = zip(
        axis_arguments.per_axis("kernel_size", kernel_size, rank),
        axis_arguments.per_axis("strides", strides, rank),
        axis_arguments.per_axis("dilation_rate", dilation_rate, rank),
        strict=True,
    )
    return _outer([np.bincount(geometry.phases(k, s, d), minlength=s) for k, s, d in axes])


def _outer(axes: list[np.ndarray]) -> np.ndarray:
    """A tap reaches a sample if it does along every axis: counts multiply."""
    return functools.reduce(np.multiply.outer, axes)
