"""What ResizeConv2D and SubpixelConv2D share: a stride-1 convolution that belongs to an upsampling."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import CoordinateMap, Reads, axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first


class UpsamplingConvolution2D(keras.layers.Layer, abc.ABC):
    """Weights and configuration of a convolution that upsamples images by an integer factor."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        factor: int | Sequence[int] = 2,
        *,
        padding: geometry.ForwardPadding = "same",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = axis_arguments.at_least(1, "filters", filters)
        self.kernel_size = axis_arguments.per_axis("kernel_size", kernel_size, 2)
        self.factor = axis_arguments.per_axis("factor", factor, 2)
        self.padding = geometry.forward_padding(padding)
        self.data_format = "channels_first" if is_channels_first(data_format) else "channels_last"
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
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
        channel_axis = 1 if self.data_format == "channels_first" else 3
        channels = input_shape[channel_axis]
        if channels is None:
            raise InvalidArgumentError(
                f"{type(self).__name__} needs a known number of channels (axis {channel_axis}); received "
                f"input shape {tuple(input_shape)}. Give it in keras.Input(shape=...)."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={channel_axis: channels})
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.convolution_filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.convolution_filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

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
            "data_format": self.data_format,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }
