"""One transposed convolution as numbers: sizes, strides, windows, and which tap joins which samples."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tfdeconv import geometry
from tfdeconv.geometry import ConvTransposeGeometry, Window, axis_arguments

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

    def products(self) -> np.ndarray:
        """Return one row ``(output, input, tap)`` for every product that reaches the window."""
        inputs, taps = np.meshgrid(np.arange(self.input_size), np.arange(self.kernel_size), indexing="ij")
        outputs = inputs * self.stride + taps * self.dilation_rate - self.window.lead
        rows = np.stack([outputs, inputs, taps], axis=-1).reshape(-1, 3)
        rows = rows[(rows[:, 0] >= 0) & (rows[:, 0] < self.window.size)]
        return rows[np.lexsort((rows[:, 1], rows[:, 0]))]

    def selector(self) -> np.ndarray:
        """Return :meth:`products` as zeros and ones, ``[outputs, inputs, kernel_size]``."""
        chosen = np.zeros((self.window.size, self.input_size, self.kernel_size))
        chosen[tuple(self.products().T)] = 1
        return chosen


@dataclass(frozen=True)
class Configuration:
    """A transposed convolution of one input size, without its weights; see :func:`configuration`.

    Attributes:
        geometry: Kernel size, strides, padding and dilation.
        input_size: Input samples along each axis.
        windows: Window of each axis.
    """

    geometry: ConvTransposeGeometry
    input_size: tuple[int, ...]
    windows: tuple[Window, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", self.geometry.windows(self.input_size))

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.geometry.rank

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps along each axis."""
        return self.geometry.kernel_size

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each axis."""
        return self.geometry.strides

    @property
    def dilation_rate(self) -> tuple[int, ...]:
        """Dilation of each axis."""
        return self.geometry.dilation_rate

    @property
    def full_size(self) -> tuple[int, ...]:
        """Samples of the uncropped output along each axis."""
        return self.geometry.full_sizes(self.input_size)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Output samples along each axis."""
        return tuple(window.size for window in self.windows)

    @property
    def crops(self) -> tuple[tuple[int, int], ...]:
        """The ``padding=`` of :func:`tfdeconv.ops.conv_transpose` that selects the same windows."""
        return self.geometry.crops

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axes one by one."""
        geometry = self.geometry
        return tuple(
            map(
                Axis,
                self.input_size,
                geometry.kernel_size,
                geometry.strides,
                geometry.dilation_rate,
                self.windows,
            )
        )

    def uncropped(self) -> Configuration:
        """Return the configuration with all that the window or the full output holds.

        Example:
            >>> configuration(2, 3, strides=2, padding=1).uncropped().output_size
            (5,)
        """
        return Configuration(
            self.geometry.with_crops((0, min(after, 0)) for _, after in self.crops), self.input_size
        )

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
        (axes for axes in map(axis_arguments.axes_named, (input_size, kernel_size)) if axes), default=1
    )
    sizes = axis_arguments.per_axis("input_size", input_size, rank)
    geometry = ConvTransposeGeometry.of(
        kernel_size,
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        dilation_rate=dilation_rate,
        rank=rank,
    )
    if output_shape is not None:
        wanted = axis_arguments.per_axis("output_shape", output_shape, rank)
        geometry = geometry.with_output_shape(sizes, wanted)
    return Configuration(geometry, sizes)
