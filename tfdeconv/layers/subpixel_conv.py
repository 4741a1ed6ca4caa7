"""Sub-pixel convolution as a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import geometry, ops
from tfdeconv.geometry import CoordinateMap, Reads
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.upsampling_convolution import UpsamplingConvolution2D
from tfdeconv.ops.pixel_shuffle import ShuffleOrder, check_order


@keras.saving.register_keras_serializable(package=PACKAGE)
class SubpixelConv2D(UpsamplingConvolution2D):
    """A stride-1 convolution to ``filters * prod(factor)`` channels, shuffled into space (ESPCN).

    Initialise the kernel with ``tfdeconv.initializers.ICNR`` to start without checkerboard.

    Args:
        filters: Output channels, after the shuffle.
        kernel_size: Taps of the convolution, at the low resolution; an int or one for each axis.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        order: Order of the convolution's channels: "dcr" (TensorFlow) or "crd" (PyTorch), as in
            ``tfdeconv.ops.pixel_shuffle``.
        padding: Of the convolution: "same" (zeros around the input) or "valid".
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        activation: Activation of the output; None for none.
        use_bias: Whether a bias, one for each of the convolution's channels, is added.
        kernel_initializer: Initializer of ``kernel`` ``[*kernel_size, channels, filters * prod(factor)]``.
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
        >>> SubpixelConv2D(3, 5, factor=2)(np.zeros([1, 7, 5, 16], "float32")).shape
        TensorShape([1, 14, 10, 3])

    References:
        Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
        Convolutional Neural Network", arXiv 1609.05158.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        factor: int | Sequence[int] = 2,
        order: ShuffleOrder = "dcr",
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, factor, **kwargs)
        check_order(order)
        self.order = order

    @property
    def convolution_filters(self) -> int:
        """Output channels of the convolution: ``filters * prod(factor)``."""
        return self.filters * math.prod(self.factor)

    def _upsample(self, inputs: tf.Tensor) -> tf.Tensor:
        return ops.subpixel_conv(
            inputs,
            self.kernel,
            factor=self.factor,
            order=self.order,
            padding=self.padding,
            bias=self.bias,
            data_format=self.data_format,
        )

    def _output_size(self, size: int, axis: int) -> int:
        return geometry.forward_size(size, self.kernel_size[axis], 1, self.padding) * self.factor[axis]

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        convolved = self._convolution_reads(sizes)
        return [[convolved, tuple(map(Reads.nearest, (axis.size for axis in convolved), self.factor))]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(
            CoordinateMap.resize(factor).after(convolution)
            for factor, convolution in zip(self.factor, self._convolution_maps(), strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "order": self.order}
