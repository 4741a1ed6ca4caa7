"""Sizes that samples are computed with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes, evaluate
from tfdeconv.convert.by_size.layer import LayerBySize
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class NumberBySize(LayerBySize):
    """A quotient of sizes as a tensor of one element, with as many axes as ``x``.

    Args:
        dividend: A formula (``by_size.formulas``) of a whole number.
        divisor: A whole number.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> half = NumberBySize({"constant": "0", "terms": [["1", ["size", 0, 1]]]}, 2)
        >>> half(tf.zeros([1, 5])).numpy()
        array([[2.5]], dtype=float32)
    """

    def __init__(self, dividend: Formula, divisor: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dividend, self.divisor = dividend, divisor

    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return the number, of the layer's type."""
        # the number of all samples can be beyond int32
        dividend = evaluate(self.dividend, lambda tensor, axis: tf.cast(sizes(tensor, axis), tf.int64))
        number = tf.cast(dividend, self.compute_dtype)
        number = number if self.divisor == 1 else number / self.divisor
        return tf.reshape(number, [1] * x.shape.rank)

    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> Sequence[int | None]:
        """Return the sizes of the tensor: 1."""
        return [1] * len(shape)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the symbolic output, of the layer's type."""
        spec = super().compute_output_spec(inputs)
        return keras.KerasTensor(spec.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "dividend": self.dividend, "divisor": self.divisor}
