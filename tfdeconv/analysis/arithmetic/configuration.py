"""One transposed convolution as numbers: sizes, strides, windows, and which tap joins which samples."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tfdeconv import geometry
from tfdeconv.geometry import Window, axis_arguments

Ints: TypeAlias = int | Sequence[int]


@dataclass(frozen=True)
class Axis:
    """One spatial axis.

    Attributes:
        input_size: Input samples.
        kernel_size: Taps.
        stride: Output samples between the stamps of neighbouring inputs.
        dilation_rate: Output samples between neighbouring taps.
        window: The samples of the full output that are returned.
    """

    input_size: int
    kernel_size: int
    stride: int
    dilation_rate: int
    window: Window

    @property
    def full_size(self) -> int:
        """Samples of the uncropped output."""
        return int(geometry.full_size(self.input_size, self.kernel_size, self.stride, self.dilation_rate))

    @property
    def tail(self) -> int:
        """Samples cropped at the end; negative where the window passes the end of the full output."""
        return self.full_size - self.window.lead - self.window.size

    def uncropped(self) -> Axis:
        """Return the axis with all that the window or the full output holds.

        Example:
            >>> Axis(2, 3, 2, 1, Window(1, 3)).uncropped().window
            Window(lead=0, size=5)
        """
        size = max(self.full_size, self.window.lead + self.window.size)
        return dataclasses.replace(self, window=Window(0, size))

    def taps(self) -> np.ndarray:
        """Return one row ``(output, input, tap)`` for every product that reaches the window."""
        inputs, taps = np.meshgrid(np.arange(self.input_size), np.arange(self.kernel_size), indexing="ij")
        outputs = inputs * self.stride + taps * self.dilation_rate - self.window.lead
        rows = np.stack([outputs, inputs, taps], axis=-1).reshape(-1, 3)
        rows = rows[(rows[:, 0] >= 0) & (rows[:, 0] < self.window.size)]
        return rows[np.lexsort((rows[:, 1], rows[:, 0]))]

    def selector(self) -> np.ndarray:
        """Return ``taps`` as zeros and ones, ``[outputs, inputs, kernel_size]``."""
        chosen = np.zeros((self.window.size, self.input_size, self.kernel_size))
        chosen[tuple(self.taps().T)] = 1
        return chosen


@dataclass(frozen=True)
class Configuration:
    """A transposed convolution without its weights; see :func:`configuration`.

    Attributes:
        axes: One entry for each spatial axis.
    """

    axes: tuple[Axis, ...]

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Input samples along each axis."""
        return tuple(axis.input_size for axis in self.axes)

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps along each axis."""
        return tuple(axis.kernel_size for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each axis."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilation_rate(self) -> tuple[int, ...]:
        """Dilation of each axis."""
        return tuple(axis.dilation_rate for axis in self.axes)

    @property
    def full_size(self) -> tuple[int, ...]:
        """Samples of the uncropped output along each axis."""
        return tuple(axis.full_size for axis in self.axes)

    @property
    def windows(self) -> tuple[Window, ...]:
        """Window of each axis."""
        return tuple(axis.window for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Output samples along each axis."""
        return tuple(axis.window.size for axis in self.axes)

    @property
    def crops(self) -> tuple[tuple[int, int], ...]:
        """The ``padding=`` of :func:`tfdeconv.ops.conv_transpose` that selects the same windows."""
        return tuple((axis.window.lead, axis.tail) for axis in self.axes)

    def macs(self, *, filters: int = 1, channels: int = 1, groups: int = 1) -> int:
        """Return the multiplications of one image: every input sample times every tap.

        Example:
            >>> configuration((2, 2), 3, strides=2).macs()
            36
        """
        return math.prod(self.input_size) * math.prod(self.kernel_size) * filters * channels // groups

    def zero_insertion_macs(self, *, filters: int = 1, channels: int = 1, groups: int = 1) -> int:
        """Return the multiplications of the dense convolution over the zero-inserted input.

        Example:
            >>> configuration((2, 2), 3, strides=2, padding="same").zero_insertion_macs()
            144
        """
        return math.prod(self.output_size) * math.prod(self.kernel_size) * filters * channels // groups


def configuration(
    input_size: Ints,
    kernel_size: Ints,
    *,
    strides: Ints = 1,
    padding: Any = "valid",
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    dilation_rate: Ints = 1,
) -> Configuration:
    """Resolve the arguments of :func:`tfdeconv.ops.conv_transpose` for one input size.

    Args:
        input_size: Samples along each axis; an int means one axis unless ``kernel_size`` has more.
        kernel_size: Taps along each axis; an int is used for every axis.
        strides: Stride; an int or one for each axis.
        padding: "same", "valid", ints, or (before, after) pairs.
        output_padding: None, an int, or one for each axis.
        output_shape: Output samples along each axis, instead of ``output_padding``.
        dilation_rate: Spacing of the taps; an int or one for each axis.

    Returns:
        The configuration, with the window of each axis.

    Raises:
        InvalidArgumentError: An argument breaks a rule of :mod:`tfdeconv.geometry`.

    Example:
        >>> configuration(2, 3, strides=2, padding="same").windows
        (Window(lead=0, size=4),)
    """
    rank = max(
        (len(size) for size in (input_size, kernel_size) if isinstance(size, Sequence)),
        default=1,
    )
    sizes = axis_arguments.per_axis("input_size", input_size, rank)
    kernels = axis_arguments.per_axis("kernel_size", kernel_size, rank)
    steps = axis_arguments.per_axis("strides", strides, rank)
    rates = axis_arguments.per_axis("dilation_rate", dilation_rate, rank)
    paddings = axis_arguments.per_axis_padding(padding, rank)
    extras: Sequence[int | None] = (
        (None,) * rank
        if output_padding is None
        else axis_arguments.per_axis("output_padding", output_padding, rank, minimum=0)
    )
    outputs: Sequence[int | None] = (
        (None,) * rank
        if output_shape is None
        else axis_arguments.per_axis("output_shape", output_shape, rank)
    )
    return Configuration(
        tuple(
            Axis(
                size,
                kernel,
                step,
                rate,
                geometry.window(
                    size,
                    kernel,
                    step,
                    padding=pad,
                    output_padding=extra,
                    output_size=output,
                    dilation_rate=rate,
                ),
            )
            for size, kernel, step, rate, pad, extra, output in zip(
                sizes, kernels, steps, rates, paddings, extras, outputs, strict=True
            )
        )
    )
