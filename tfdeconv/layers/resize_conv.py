"""Resize, then convolve, as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import geometry, ops
from tfdeconv.geometry import CoordinateMap, Reads
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.upsampling_convolution import UpsamplingConvolution2D
from tfdeconv.ops.resize_conv import Interpolation, check_interpolation


@keras.saving.register_keras_serializable(package=PACKAGE)
class ResizeConv2D(UpsamplingConvolution2D):
    """Nearest or bilinear resize by an integer factor, then a stride-1 convolution.

    Every output sample sees the same number of taps, so that no checkerboard comes from overlap. With
    "nearest" the layer equals one transposed convolution (its kernel: a box convolved with the flipped
    ``kernel``), which costs fewer operations.

    Args:
        filters: Output channels.
        kernel_size: Taps of the convolution; an int or one for each axis.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        interpolation: "nearest", or "bilinear" with half-pixel centres as ``tf.image.resize``.
        padding: Of the convolution: "same" (zeros around the resized image) or "valid".
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        activation: Activation of the output; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of ``kernel`` ``[*kernel_size, channels, filters]``.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the output.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype, trainable).

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> import numpy as np
        >>> ResizeConv2D(8, 3, factor=2)(np.zeros([1, 7, 5, 3], "float32")).shape
        TensorShape([1, 14, 10, 8])

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        factor: int | Sequence[int] = 2,
        interpolation: Interpolation = "nearest",
        **kwargs: Any,
    ) -> None:
        check_interpolation(interpolation)
        super().__init__(filters, kernel_size, factor, **kwargs)
        self.interpolation = interpolation

    @property
    def convolution_filters(self) -> int:
        """Output channels of the convolution: ``filters``."""
        return self.filters

    def _upsample(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = ops.resize_conv(
            inputs,
            self.kernel,
            factor=self.factor,
            interpolation=self.interpolation,
            padding=self.padding,
            data_format=self.data_format,
        )
        return self._biased(outputs)

    def _output_size(self, size: int, axis: int) -> int:
        return geometry.forward_size(size * self.factor[axis], self.kernel_size[axis], 1, self.padding)

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        if self.interpolation == "nearest":
            resized = tuple(map(Reads.nearest, sizes, self.factor))
        else:
            resized = tuple(map(Reads.interpolation, sizes, self.factor, (1, 1)))
        return [[resized, self._convolution_reads(tuple(axis.size for axis in resized))]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(
            convolution.after(CoordinateMap.resize(factor))
            for factor, convolution in zip(self.factor, self._convolution_maps(), strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "interpolation": self.interpolation}
