"""What ResizeConv2D and SubpixelConv2D share: a stride-1 convolution that belongs to an upsampling."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.geometry import CoordinateMap, Reads, axis_arguments
from tfdeconv.layers.kernel_and_bias import KernelAndBias


class UpsamplingConvolution2D(KernelAndBias, abc.ABC):
    """Weights and configuration of a convolution that upsamples images by an integer factor."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        factor: int | Sequence[int] = 2,
        *,
        padding: geometry.ForwardPadding = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = axis_arguments.at_least(1, "filters", filters)
        self.kernel_size = axis_arguments.per_axis("kernel_size", kernel_size, 2)
        self.factor = axis_arguments.per_axis("factor", factor, 2)
        self.padding = geometry.forward_padding(padding)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    @property
    @abc.abstractmethod
    def convolution_filters(self) -> int:
        """Output channels of the convolution itself."""

    @abc.abstractmethod
    def _upsample(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the upsampled, convolved and biased input."""

    @abc.abstractmethod
    def _output_size(self, size: int, axis: int) -> int:
        """Return the output's size along a spatial axis."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create ``kernel`` ``[*kernel_size, channels, convolution_filters]`` and ``bias``."""
        channels = self._known_channels(input_shape)
        kernel_shape = (*self.kernel_size, channels, self.convolution_filters)
        self._add_kernel_and_bias(kernel_shape, self.convolution_filters, channels=channels)

    def call(self, inputs: Any) -> tf.Tensor:
        """Upsample ``inputs`` ``[batch, height, width, channels]`` (or channels first)."""
        return self.activation(self._upsample(inputs))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        channels_first = self.data_format == "channels_first"
        sizes = input_shape[2:] if channels_first else input_shape[1:3]
        spatial = [None if size is None else self._output_size(size, axis) for axis, size in enumerate(sizes)]
        if channels_first:
            return (input_shape[0], self.filters, *spatial)
        return (input_shape[0], *spatial, self.filters)

    def _convolution_maps(self) -> tuple[CoordinateMap, ...]:
        """Where the convolution alone moves the samples of each spatial axis."""
        return tuple(
            CoordinateMap.convolution(taps, before=(taps - 1) // 2 if self.padding == "same" else 0)
            for taps in self.kernel_size
        )

    def _convolution_reads(self, sizes: Sequence[int]) -> tuple[Reads, ...]:
        """Which inputs of the convolution its outputs depend on."""
        return tuple(
            Reads.convolution(size, taps, padding=self.padding)
            for size, taps in zip(sizes, self.kernel_size, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "factor": self.factor,
            "padding": self.padding,
        }
