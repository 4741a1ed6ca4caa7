"""Luma of ITU-R BT.601, limited range: the channel that super-resolution networks work on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.imaging.bt601 import BLACK, LUMA_WEIGHTS
from tfdeconv.keras_reading import Sizes, Stages, same_place
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.ops.tensors.data_format import standardize_data_format


@keras.saving.register_keras_serializable(package=PACKAGE)
class Luma(keras.layers.Layer):
    """RGB in [0, 1] to limited-range BT.601 luma in [16 / 255, 235 / 255].

    Args:
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> print(Luma()(tf.ones([1, 1, 1, 3])).numpy().ravel() * 255)
        [235.]
    """

    def __init__(self, data_format: str | None = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def call(self, rgb: Any) -> tf.Tensor:
        """Return one channel for three."""
        weights = tf.constant(LUMA_WEIGHTS, dtype=rgb.dtype)
        if self.data_format == "channels_first":
            return tf.reduce_sum(rgb * tf.reshape(weights, [3, 1, 1]), axis=1, keepdims=True) + BLACK
        return tf.reduce_sum(rgb * weights, axis=-1, keepdims=True) + BLACK

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        return [same_place(sizes)]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the input's shape with one channel."""
        if self.data_format == "channels_first":
            return (input_shape[0], 1, *input_shape[2:])
        return (*input_shape[:-1], 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "data_format": self.data_format}
