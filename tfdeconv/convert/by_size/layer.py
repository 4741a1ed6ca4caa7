"""What layers have in common that compute with sizes of tensors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes, evaluate

Number: TypeAlias = Any
"""An int, an integer tensor, or None where it is unknown while shapes are computed."""


class LayerBySize(keras.layers.Layer):
    """A layer that is called as ``layer([x, *measured])`` and computes with sizes of these tensors.

    Args:
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # values are moved, and measured tensors not touched

    def call(self, inputs: Any) -> tf.Tensor:
        """Return what the layer computes.

        Args:
            inputs: ``[x, *measured]``, or ``x`` where it alone is measured.
        """
        inputs = [tf.convert_to_tensor(tensor) for tensor in _listed(inputs)]

        def sizes(number: int, axis: int) -> Any:
            known = inputs[number].shape[axis]
            return tf.shape(inputs[number])[axis] if known is None else known

        result = self.compute(inputs[0], sizes)
        return tf.ensure_shape(result, self.compute_output_shape([tensor.shape for tensor in inputs]))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the symbolic output, of the type of ``x``."""
        inputs = _listed(inputs)
        shape = self.compute_output_shape([tensor.shape for tensor in inputs])
        return keras.KerasTensor(shape, dtype=inputs[0].dtype)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[int | None, ...]:
        """Return the output's shape for the shapes of ``[x, *measured]``; None stays None."""
        alone = input_shape[0] is None or isinstance(input_shape[0], int)
        shapes = [input_shape] if alone else input_shape
        return tuple(self.sizes_of_output(tuple(shapes[0]), lambda n, axis: shapes[n][axis]))

    @abstractmethod
    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return the output for ``x``; ``sizes`` tells those of all inputs."""

    @abstractmethod
    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> Sequence[int | None]:
        """Return the output's sizes for the shape of ``x``, None where unknown."""

    @staticmethod
    def numbers(formulas: Sequence[Formula | None], sizes: Sizes) -> list[Number]:
        """Return the number of each formula."""
        return [evaluate(formula, sizes) for formula in formulas]


def _listed(inputs: Any) -> list[Any]:
    """``[x, *measured]``; a Sequential hands ``x`` alone on as it is."""
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]
