"""Checkerboards in signals: how much energy sits at the frequencies of the stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfdeconv.analysis.arithmetic.configuration import Ints
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments


def artifact_energy(signal: Any, strides: Ints) -> float:
    """Return the fraction of a signal's energy that repeats with the strides and is not constant.

    This is the energy at the non-zero multiples of the frequencies ``1 / stride``: what a
    checkerboard adds, and what smooth content has next to nothing of.

    Args:
        signal: ``[*sizes]``, or ``[*sizes, channels]`` where ``strides`` has one entry fewer. Cropped
            to whole multiples of the strides.
        strides: Period along each axis; an int is used for every axis.

    Returns:
        A number from 0 (none) to 1; the amplitude of the pattern relative to the signal is its root.

    Raises:
        InvalidArgumentError: The signal has other axes than ``strides``, or is shorter than a period.

    Example:
        >>> artifact_energy([2.0, 1.0] * 8, 2)  # 1.5 +- 0.5: 0.5**2 / (1.5**2 + 0.5**2)
        0.1
        >>> artifact_energy([3.0] * 8, 2)
        0.0
    """
    values = np.asarray(signal, np.float64)
    rank = axis_arguments.axes_named(strides) or values.ndim
    periods = axis_arguments.per_axis("strides", strides, rank)
    if values.ndim == rank:
        values = values[..., None]
    if values.ndim != rank + 1 or any(n < s for n, s in zip(values.shape, periods, strict=False)):
        raise InvalidArgumentError(
            f"signal must have {rank} axes (and channels) of at least {periods} samples; received shape "
            f"{np.shape(signal)}."
        )
    values = values[tuple(slice(n - n % s) for n, s in zip(values.shape, periods, strict=False))]
    folded = values.reshape(
        [part for n, s in zip(values.shape, periods, strict=False) for part in (n // s, s)]
        + [values.shape[-1]]
    )
    pattern = folded.mean(axis=tuple(range(0, 2 * rank, 2)))  # one period, averaged: [*strides, channels]
    variance = pattern.var(axis=tuple(range(rank))).sum()
    energy = np.square(values).mean(axis=tuple(range(rank))).sum()
    return float(variance / energy) if energy else 0.0


def natural_signal(sizes: Sequence[int], channels: int, *, seed: int = 0) -> np.ndarray:
    """Return noise with the spectrum of photographs, amplitude ``1 / frequency``, scaled to [0, 1].

    Args:
        sizes: Samples along each axis.
        channels: Independent channels.
        seed: Seed of the noise.

    Returns:
        float32 ``[*sizes, channels]``.

    Example:
        >>> natural_signal((16, 16), 3).shape
        (16, 16, 3)

    References:
        Field 1987, "Relations between the statistics of natural images and the response properties
        of cortical cells", J. Opt. Soc. Am. A 4.
    """
    axes = tuple(range(len(sizes)))
    frequencies = np.meshgrid(*(np.fft.fftfreq(n) for n in sizes), indexing="ij")
    radius = np.sqrt(sum(np.square(f) for f in frequencies))
    radius[(0,) * len(sizes)] = np.inf
    noise = np.random.default_rng(seed).standard_normal((*sizes, channels))
    image = np.fft.ifftn(np.fft.fftn(noise, axes=axes) / radius[..., None], axes=axes).real
    low, high = image.min(axis=axes), image.max(axis=axes)
    return ((image - low) / np.maximum(high - low, 1e-12)).astype(np.float32)
