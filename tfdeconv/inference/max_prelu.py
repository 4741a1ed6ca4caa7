"""PReLU in two passes over its input instead of four."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.geometry import CoordinateMap
from tfdeconv.keras_reading import NotLocal, Sizes, Stages, same_place
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaxPReLU(keras.layers.Layer):
    """``max(x, alpha * x)``: PReLU where no slope is above 1.

    Keras computes ``relu(x) - alpha * relu(-x)``, which is the same number for slopes up to 1.

    Args:
        alpha_shape: Shape of the slopes, which broadcasts against one sample of the input.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> import numpy as np
        >>> layer = MaxPReLU((1,))
        >>> layer.build((None, 1))
        >>> layer.set_weights([np.array([0.25])])
        >>> layer(np.array([[-4.0], [4.0]])).numpy().ravel()
        array([-1.,  4.], dtype=float32)

    References:
        He et al. 2015, "Delving Deep into Rectifiers", arXiv 1502.01852.
    """

    def __init__(self, alpha_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(trainable=kwargs.pop("trainable", False), **kwargs)
        self.alpha_shape = tuple(alpha_shape)
        self.supports_masking = True

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create ``alpha``."""
        self.alpha = self.add_weight(name="alpha", shape=self.alpha_shape, initializer="zeros")

    def call(self, inputs: Any) -> tf.Tensor:
        """Return ``inputs`` with the negative samples multiplied by ``alpha``."""
        return tf.maximum(inputs, self.alpha * inputs)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return ``input_shape``."""
        return tuple(input_shape)

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        varying = [axis for axis, size in enumerate(self.alpha_shape) if size > 1]
        if varying not in ([], [0], [len(self.alpha_shape) - 1]):  # channels are first or last
            raise NotLocal("has a slope of its own at every place. Share it over the spatial axes")
        return [same_place(sizes)]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples go, for ``tfdeconv.alignment``: they stay."""
        return (CoordinateMap(),) * len(input_sizes)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "alpha_shape": self.alpha_shape}
