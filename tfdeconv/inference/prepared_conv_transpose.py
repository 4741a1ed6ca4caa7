"""A transposed convolution with one lowering and the kernel stored as that lowering wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.geometry import ConvTransposeGeometry, CoordinateMap
from tfdeconv.keras_reading import Sizes, Stages, TransposedConvolution
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.ops.lowerings import LOWERINGS, Problem
from tfdeconv.ops.output_window import OutputWindow
from tfdeconv.ops.tensors.data_format import to_channels_first, to_channels_last
from tfdeconv.ops.tensors.shapes import known_shape, spatial_sizes


@keras.saving.register_keras_serializable(package=PACKAGE)
class PreparedConvTranspose(keras.layers.Layer):
    """Transposed convolution for inference, made by :func:`tfdeconv.optimize`.

    Args:
        kernel_size: Taps of the kernel along each axis.
        channels: Input channels.
        filters: Output channels.
        strides: Stride of each axis.
        dilation_rate: Dilation of each axis.
        groups: Groups of channels.
        crops: Samples of the full output dropped (before, after) along each axis.
        lowering: One of ``tfdeconv.ops.LOWERINGS``; the choice that was measured.
        prepared_shape: Shape of the stored kernel.
        data_format: "channels_last" or "channels_first".
        activation: Activation of the output.
        use_bias: Whether a bias is added.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> from tfdeconv.inference.fusible_convolution import fusible_convolution
        >>> layer = keras.layers.Conv2DTranspose(1, 9, strides=2, padding="same")
        >>> layer.build((None, None, None, 8))
        >>> prepared = PreparedConvTranspose.of(fusible_convolution(layer), "two_pass")
        >>> prepared(np.zeros([1, 5, 6, 8])).shape
        TensorShape([1, 10, 12, 1])
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        channels: int,
        filters: int,
        strides: Sequence[int],
        dilation_rate: Sequence[int],
        groups: int,
        crops: Sequence[Sequence[int]],
        lowering: str,
        prepared_shape: Sequence[int],
        data_format: str = "channels_last",
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=kwargs.pop("trainable", False), **kwargs)
        self.geometry = ConvTransposeGeometry.of(
            kernel_size, strides=strides, padding=crops, dilation_rate=dilation_rate
        )
        self.channels = channels
        self.filters = filters
        self.groups = groups
        self.lowering = lowering
        self.prepared_shape = tuple(prepared_shape)
        self.data_format = data_format
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias

    @classmethod
    def of(cls, convolution: TransposedConvolution, lowering: str, **kwargs: Any) -> PreparedConvTranspose:
        """Return the layer that computes ``convolution``, with its weights."""
        kernel, geometry = convolution.kernel, convolution.geometry
        layer = cls(
            geometry.kernel_size,
            kernel.shape[-1],
            convolution.filters,
            geometry.strides,
            geometry.dilation_rate,
            convolution.groups,
            geometry.crops,
            lowering,
            (),
            convolution.data_format,
            convolution.activation,
            convolution.bias is not None,
            **kwargs,
        )
        prepared = layer.prepare(kernel)
        layer.prepared_shape = prepared.shape
        layer.build(())
        layer.set_weights([prepared] if convolution.bias is None else [prepared, convolution.bias])
        return layer

    def prepare(self, kernel: np.ndarray) -> np.ndarray:
        """Return ``kernel`` ``[*kernel_size, filters // groups, channels]`` as this layer stores it."""
        problem = Problem(
            self.geometry, self.channels, self.filters, self.groups, OutputWindow(self.geometry.crops, ())
        )
        if problem.rank == 1:
            kernel, problem = kernel[np.newaxis], problem.with_leading_axis()
        LOWERINGS[self.lowering].check(problem)
        prepared: np.ndarray = LOWERINGS[self.lowering].prepare(tf.constant(kernel), problem).numpy()
        return prepared

    def _problem(self, sizes: tuple[Any, ...]) -> Problem:
        window = OutputWindow(self.geometry.crops, self.geometry.output_sizes(sizes))
        return Problem(self.geometry, self.channels, self.filters, self.groups, window)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create ``kernel`` and ``bias``."""
        self.kernel = self.add_weight(name="kernel", shape=self.prepared_shape, initializer="zeros")
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )

    def call(self, inputs: Any) -> tf.Tensor:
        """Upsample ``inputs`` ``[batch, *sizes, channels]`` (or channels first)."""
        x = to_channels_last(inputs) if self.data_format == "channels_first" else inputs
        problem, kernel = self._problem(spatial_sizes(x)), tf.convert_to_tensor(self.kernel)
        lowering = LOWERINGS[self.lowering]
        if problem.rank == 1:
            y = lowering.apply(x[:, tf.newaxis], kernel, problem.with_leading_axis())[:, 0]
        else:
            y = lowering.apply(x, kernel, problem)
        y = known_shape(y, [x.shape[0], *problem.window.sizes, self.filters])
        if self.bias is not None:
            y = tf.nn.bias_add(y, self.bias)
        return self.activation(to_channels_first(y) if self.data_format == "channels_first" else y)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        sizes = input_shape[2:] if self.data_format == "channels_first" else input_shape[1:-1]
        outputs = self.geometry.output_sizes(sizes)
        if self.data_format == "channels_first":
            return (input_shape[0], self.filters, *outputs)
        return (input_shape[0], *outputs, self.filters)

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        return [[self.geometry.reads(sizes)]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(found for found in self.geometry.coordinate_maps(input_sizes) if found is not None)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.geometry.kernel_size,
            "channels": self.channels,
            "filters": self.filters,
            "strides": self.geometry.strides,
            "dilation_rate": self.geometry.dilation_rate,
            "groups": self.groups,
            "crops": self.geometry.crops,
            "lowering": self.lowering,
            "prepared_shape": self.prepared_shape,
            "data_format": self.data_format,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
