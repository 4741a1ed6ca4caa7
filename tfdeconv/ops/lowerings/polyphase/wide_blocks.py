"""Blocks of several input samples, whose phases fill the processor's vectors.

A sub-pixel convolution returns ``prod(strides) * filters`` channels, the phases of one input sample. Where
these are few, most of a vector is empty: oneDNN computes ``VECTOR`` output channels together. The phases
of ``w`` neighbouring samples are ``w`` times as many, and read ``w - 1`` taps more along their axis, by a
convolution of stride ``w``: four times the channels for x2, one filter and 2x2 samples.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import replace

from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases

VECTOR = 16
"""Output channels that a convolution computes together (oneDNN's block of float32)."""
WIDEST = 8
"""Input samples of a block along one axis."""


def vectors(channels: int) -> int:
    """Return the channels that a convolution to ``channels`` computes.

    Example:
        >>> vectors(4)
        16
    """
    return -(-channels // VECTOR) * VECTOR


def products(axes: list[AxisPhases], widths: tuple[int, ...], filters: int) -> float:
    """Return how often each value of the input is multiplied, for blocks of ``widths`` samples.

    Example:
        >>> from tfdeconv.ops.lowerings.polyphase.axis_phases import axis_phases
        >>> axis = axis_phases(9, stride=2, dilation_rate=1, crops=(3, 4))
        >>> products([axis, axis], (1, 1), 1), products([axis, axis], (2, 2), 1)
        (400.0, 144.0)
    """
    return _products(tuple((len(axis.rows), axis.stride) for axis in axes), widths, filters)


def fewest_products(axes: list[AxisPhases], filters: int) -> tuple[int, ...]:
    """Return the widths of the blocks with the fewest products, the narrowest of equals.

    Example:
        >>> from tfdeconv.ops.lowerings.polyphase.axis_phases import axis_phases
        >>> axis = axis_phases(9, stride=2, dilation_rate=1, crops=(3, 4))
        >>> [fewest_products([axis, axis], filters) for filters in (1, 2, 4)]
        [(2, 2), (1, 2), (1, 1)]
    """
    return _fewest(tuple((len(axis.rows), axis.stride) for axis in axes), filters)


def widened(axis: AxisPhases, width: int, kernel_size: int) -> AxisPhases:
    """Return the taps and phases of blocks of ``width`` samples, for a convolution of that stride.

    Its last block may pass the end of the polyphase form by up to ``width - 1`` samples' phases.

    Example:
        >>> from tfdeconv.ops.lowerings.polyphase.axis_phases import axis_phases
        >>> widened(axis_phases(2, stride=2, dilation_rate=1, crops=(0, 0)), 2, kernel_size=2).rows
        ((0, 1, 2, 2), (2, 2, 0, 1))
    """
    none = (kernel_size,) * axis.stride
    rows = [*axis.rows, *[none] * (width - 1)]  # a negative index finds a "none" too
    return replace(
        axis,
        stride=axis.stride * width,
        rows=tuple(
            tuple(itertools.chain.from_iterable(rows[tap - sample] for sample in range(width)))
            for tap in range(len(rows))
        ),
        after=axis.after + width - 1,
    )


def _products(axes: tuple[tuple[int, int], ...], widths: tuple[int, ...], filters: int) -> float:
    taps = math.prod(taps + width - 1 for (taps, _), width in zip(axes, widths, strict=True))
    phases = math.prod(stride for _, stride in axes) * math.prod(widths)
    return taps * vectors(phases * filters) / math.prod(widths)


@functools.cache
def _fewest(axes: tuple[tuple[int, int], ...], filters: int) -> tuple[int, ...]:
    phases = math.prod(stride for _, stride in axes)
    room = max(VECTOR // (phases * filters), 1)
    candidates = (
        widths
        for widths in itertools.product(range(1, WIDEST + 1), repeat=len(axes))
        if math.prod(widths) <= room
    )
    return min(candidates, key=lambda widths: (_products(axes, widths, filters), math.prod(widths), widths))
