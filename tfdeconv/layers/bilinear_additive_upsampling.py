"""Bilinear additive upsampling as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.geometry import ConvTransposeGeometry, CoordinateMap, axis_arguments, linear_kernel_size
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.enlarged_shape import enlarged_shape
from tfdeconv.ops.bilinear_additive_upsample import additive_reduction, reduced_channels
from tfdeconv.ops.linear_upsample import Boundary, check_boundary
from tfdeconv.ops.tensors.data_format import standardize_data_format


@keras.saving.register_keras_serializable(package=PACKAGE)
class BilinearAdditiveUpsampling2D(keras.layers.Layer):
    """Bilinear interpolation, then the sum of every ``reduction`` consecutive channels; no weights.

    Usually added as a residual connection around a learned upsampling layer of as many filters.

    Args:
        factor: Upsampling factor, at least 1; an int or one for each axis.
        reduction: Consecutive channels that are added; divides the channels. None: ``prod(factor)``.
        boundary: "edge" (half-pixel ``tf.image.resize``) or "zero", as in ``BilinearUpsampling2D``.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: An argument breaks a rule, or ``reduction`` does not divide the channels.

    Example:
        >>> import numpy as np
        >>> BilinearAdditiveUpsampling2D(2)(np.zeros([1, 4, 5, 8])).shape
        TensorShape([1, 8, 10, 2])

    References:
        Wojna et al. 2017, "The Devil is in the Decoder", arXiv 1707.05847.
    """

    def __init__(
        self,
        factor: int | Sequence[int] = 2,
        reduction: int | None = None,
        boundary: Boundary = "edge",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.factor = axis_arguments.per_axis("factor", factor, 2)
        self.reduction = additive_reduction(self.factor, reduction)
        check_boundary(boundary)
        self.boundary = boundary
        self.data_format = standardize_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs: Any) -> tf.Tensor:
        """Return ``[batch, *(sizes * factor), channels // reduction]``."""
        return ops.bilinear_additive_upsample(
            inputs,
            self.factor,
            reduction=self.reduction,
            boundary=self.boundary,
            data_format=self.data_format,
        )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        return enlarged_shape(
            input_shape,
            self.factor,
            self.data_format,
            channels=lambda count: reduced_channels(count, self.reduction),
        )

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        taps = map(linear_kernel_size, self.factor)
        window = ConvTransposeGeometry.of(tuple(taps), strides=self.factor, padding="same")
        return [[window.reads(sizes)]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(map(CoordinateMap.resize, self.factor))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "reduction": self.reduction,
            "boundary": self.boundary,
            "data_format": self.data_format,
        }
