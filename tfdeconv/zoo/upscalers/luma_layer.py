"""Luma of ITU-R BT.601, limited range: the channel that super-resolution networks work on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.imaging.bt601 import BLACK, LUMA_WEIGHTS
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class Luma(keras.layers.Layer):
    """RGB in [0, 1] to limited-range BT.601 luma in [16 / 255, 235 / 255], channels last.

    Example:
        >>> print(Luma()(tf.ones([1, 1, 1, 3])).numpy().ravel() * 255)
        [235.]
    """

    def call(self, rgb: Any) -> tf.Tensor:
        """Return ``[..., 1]`` for ``[..., 3]``."""
        weights = tf.constant(LUMA_WEIGHTS, dtype=rgb.dtype)
        return tf.reduce_sum(rgb * weights, axis=-1, keepdims=True) + BLACK

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the input's shape with one channel."""
        return (*input_shape[:-1], 1)
