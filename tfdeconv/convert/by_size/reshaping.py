"""Reshaping to sizes that follow from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes
from tfdeconv.convert.by_size.layer import LayerBySize
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class ReshapeBySize(LayerBySize):
    """Reshape a tensor behind its batch by formulas of sizes.

    Args:
        sizes: The sizes behind the batch, numbers or formulas (``by_size.formulas``); one may be -1.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> half = {"constant": "0", "terms": [["1/2", ["size", 0, 1]]]}
        >>> ReshapeBySize([half, 2])([tf.zeros([1, 6])]).shape
        TensorShape([1, 3, 2])
    """

    def __init__(self, sizes: Sequence[Formula], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = list(sizes)

    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return ``x`` in its new shape."""
        return tf.reshape(x, tf.stack([sizes(0, 0), *self.numbers(self.sizes, sizes)]))

    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> list[int | None]:
        """Return the new sizes."""
        return [shape[0], *(None if n == -1 else n for n in self.numbers(self.sizes, sizes))]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "sizes": self.sizes}
