"""The pixel shuffle, channels rearranged into space, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.geometry import CoordinateMap, Reads, axis_arguments
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.enlarged_shape import enlarged_shape
from tfdeconv.ops.pixel_shuffle import ShuffleOrder, check_order, shuffled_channels
from tfdeconv.ops.tensors.data_format import standardize_data_format


class _PixelShuffle(keras.layers.Layer):
    """A pixel shuffle over ``rank`` spatial axes; the classes below only fix the rank."""

    rank: ClassVar[int]

    is_pixel_shuffle = True  # for tfdeconv.keras_reading

    def __init__(
        self,
        factor: int | Sequence[int],
        order: ShuffleOrder = "dcr",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.factor = axis_arguments.per_axis("factor", factor, self.rank)
        check_order(order)
        self.order = order
        self.data_format = standardize_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> tf.Tensor:
        """Return ``[batch, *(sizes * factor), channels // prod(factor)]``."""
        return ops.pixel_shuffle(inputs, self.factor, order=self.order, data_format=self.data_format)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the symbolic output; only floating-point inputs are cast to the type of the layer."""
        floating = tf.as_dtype(inputs.dtype).is_floating
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=self.compute_dtype if floating else inputs.dtype
        )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        return enlarged_shape(
            input_shape,
            self.factor,
            self.data_format,
            channels=lambda count: shuffled_channels(count, self.factor),
        )

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        return [[tuple(map(Reads.nearest, sizes, self.factor))]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(map(CoordinateMap.resize, self.factor))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "order": self.order,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class PixelShuffle1D(_PixelShuffle):
    """Rearrange ``factor`` groups of channels of sequences ``[batch, steps, channels]`` into more steps.

    Takes the arguments of :class:`PixelShuffle2D`, for one spatial axis.

    Example:
        >>> import numpy as np
        >>> PixelShuffle1D(2)(np.arange(4.0).reshape(1, 2, 2)).numpy().ravel()
        array([0., 1., 2., 3.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable(package=PACKAGE)
class PixelShuffle2D(_PixelShuffle):
    """Rearrange ``prod(factor)`` groups of channels into ``factor`` times the resolution.

    Args:
        factor: Upsampling factor, at least 1; an int or one for each axis.
        order: "dcr" (``tf.nn.depth_to_space``, ONNX DCR) or "crd" (``torch.nn.PixelShuffle``, ONNX CRD).
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: An argument is unknown, or the channels are no multiple of ``prod(factor)``.

    Example:
        >>> import numpy as np
        >>> PixelShuffle2D(2)(np.arange(4.0).reshape(1, 1, 1, 4)).numpy().squeeze()
        array([[0., 1.],
               [2., 3.]], dtype=float32)
    """

    rank = 2


@keras.saving.register_keras_serializable(package=PACKAGE)
class PixelShuffle3D(_PixelShuffle):
    """Rearrange ``prod(factor)`` groups of channels of volumes into ``factor`` times the resolution.

    Takes the arguments of :class:`PixelShuffle2D`, for volumes ``[batch, depth, height, width, channels]``.

    Example:
        >>> import numpy as np
        >>> PixelShuffle3D((1, 2, 3))(np.zeros([1, 2, 3, 4, 12], "float32")).shape
        TensorShape([1, 2, 6, 12, 2])
    """

    rank = 3
