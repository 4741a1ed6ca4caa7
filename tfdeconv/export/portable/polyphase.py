"""A transposed convolution as every runtime can compute it: convolve with stride 1, shuffle, crop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfdeconv import geometry
from tfdeconv.ops.lowerings.polyphase.axis_phases import axis_phases


@dataclass(frozen=True)
class RequestedWindow:
    """How the window of one axis follows from a size that is known at run time only.

    Attributes:
        kernel_size: Effective kernel size.
        stride: Stride of the axis.
        lead: Samples before the window; None for SAME, where they depend on the size.
    """

    kernel_size: int
    stride: int
    lead: int | None


@dataclass(frozen=True)
class Polyphase:
    """An upsampling layer as a stride-1 convolution to all phases, a shuffle of these, and a crop.

    Attributes:
        kernel: ``[*taps, channels // groups, filters * prod(strides)]``.
        bias: ``[filters * prod(strides)]``, or None.
        groups: Groups of channels. For one group the phases are outermost in the convolution's output
            channels (DCR), for several they are innermost (CRD).
        repeat_border: Whether the input is extended by one repeated sample at each end of each axis.
        pads: Zeros (before, after) each axis; negative numbers drop samples instead.
        strides: Phases of each axis.
        crops: Samples dropped (before, after) along each axis of the shuffled output.
        requested: Then the window of each axis, where the call asks for an output size; else None.
        data_format: "channels_last" or "channels_first".
        activation: Applied to the output.
    """

    kernel: npt.NDArray[Any]
    bias: npt.NDArray[Any] | None
    groups: int
    pads: tuple[tuple[int, int], ...]
    strides: tuple[int, ...]
    crops: tuple[tuple[int, int], ...]
    data_format: str
    activation: Callable[[Any], Any]
    repeat_border: bool = False
    requested: tuple[RequestedWindow, ...] | None = None

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.strides)

    @property
    def channels(self) -> int:
        """Input channels."""
        return int(self.kernel.shape[-2]) * self.groups

    @property
    def phases(self) -> int:
        """Output samples of each input sample."""
        return math.prod(self.strides)

    @property
    def filters(self) -> int:
        """Output channels."""
        return int(self.kernel.shape[-1]) // self.phases

    @property
    def depthwise(self) -> bool:
        """Whether every output channel reads one input channel."""
        return self.groups > 1 and self.kernel.shape[-2] == 1


def polyphase(
    kernel: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    *,
    strides: Sequence[int],
    dilation_rate: Sequence[int],
    groups: int,
    crops: Sequence[tuple[int, int]],
    data_format: str,
    activation: Callable[[Any], Any],
    repeat_border: bool = False,
    requested: tuple[RequestedWindow, ...] | None = None,
) -> Polyphase:
    """Return the polyphase form of a transposed convolution.

    Args:
        kernel: ``[*kernel_size, filters // groups, channels]``.
        bias: ``[filters]``, or None.
        strides: One for each axis.
        dilation_rate: One for each axis.
        groups: Groups of channels.
        crops: Samples of the full output dropped (before, after) along each axis.
        data_format: "channels_last" or "channels_first".
        activation: Applied to the output.
        repeat_border: Whether the input is extended by one repeated sample at each border first.
        requested: Windows to take from the cropped output at run time.

    Example:
        >>> form = polyphase(np.ones([4, 1, 1]), None, strides=[2], dilation_rate=[1], groups=1,
        ...                  crops=[(1, 1)], data_format="channels_last", activation=abs)
        >>> form.kernel.shape, form.pads, form.crops
        ((2, 1, 2), ((1, 1),), ((1, 1),))
    """
    rank = len(strides)
    axes = [
        axis_phases(*axis) for axis in zip(kernel.shape[:rank], strides, dilation_rate, crops, strict=True)
    ]
    kernel = np.pad(kernel, [(0, 1)] * rank + [(0, 0)] * 2)  # the tap for "none"
    for number, axis in enumerate(axes):
        kernel = np.take(kernel, np.array(axis.rows), axis=2 * number)
    sizes, phases = kernel.shape[0 : 2 * rank : 2], math.prod(strides)
    kernel = kernel.reshape([*kernel.shape[: 2 * rank + 1], groups, -1])  # [taps, stride, ..., F, G, C]
    taps, strided = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
    filters, group, channels = 2 * rank, 2 * rank + 1, 2 * rank + 2
    outputs = [*strided, group, filters] if groups == 1 else [group, filters, *strided]
    kernel = kernel.transpose([*taps, channels, *outputs])
    kernel = kernel.reshape([*sizes, kernel.shape[rank], -1])
    if bias is not None:
        bias = np.tile(bias, phases) if groups == 1 else np.repeat(bias, phases)
    return Polyphase(
        kernel,
        bias,
        groups,
        tuple((axis.before, axis.after) for axis in axes),
        tuple(strides),
        tuple((axis.start, axis.end) for axis in axes),
        data_format,
        activation,
        repeat_border,
        requested,
    )


def interpolation(
    factors: Sequence[int], *, channels: int, reduction: int, edge: bool, data_format: str
) -> Polyphase:
    """Return linear interpolation by integer factors, then the sum of every ``reduction`` channels.

    Example:
        >>> form = interpolation([2], channels=3, reduction=1, edge=True, data_format="channels_last")
        >>> form.kernel[:, 0, :2]
        array([[0.75, 0.25],
               [0.25, 0.75]], dtype=float32)
    """
    kernel = np.ones([])
    for factor in factors:
        taps = geometry.linear_kernel(geometry.linear_kernel_size(factor))
        kernel = np.multiply.outer(kernel, taps)
    kernel = np.broadcast_to(kernel[..., None, None], (*kernel.shape, 1, channels))
    return learned_interpolation(
        kernel.astype(np.float32),
        factors,
        groups=channels // reduction,
        edge=edge,
        data_format=data_format,
    )


def learned_interpolation(
    kernel: npt.NDArray[Any], factors: Sequence[int], *, groups: int, edge: bool, data_format: str
) -> Polyphase:
    """Return the form of a linear upsampling with its kernel ``[*kernel_size, 1, channels]``."""
    crops = [geometry.crops(geometry.linear_kernel_size(f), f, padding="same") for f in factors]
    if edge:  # one repeated sample at each border is `factor` output samples to crop
        crops = [(before + f, after + f) for (before, after), f in zip(crops, factors, strict=True)]
    return polyphase(
        kernel,
        None,
        strides=factors,
        dilation_rate=[1] * len(factors),
        groups=groups,
        crops=crops,
        data_format=data_format,
        activation=linear,
        repeat_border=edge,
    )


def linear(x: Any) -> Any:
    """Return ``x``."""
    return x
