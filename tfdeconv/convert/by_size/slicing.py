"""Slices between places that follow from sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes
from tfdeconv.convert.by_size.layer import LayerBySize
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class SliceBySize(LayerBySize):
    """Cut a tensor by formulas of sizes.

    Args:
        cuts: (start, stop, step) of every axis of ``x`` by Python's rules: numbers, formulas
            (``by_size.formulas``) or None; the step is a number.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Example:
        >>> size = {"constant": "1", "terms": [["1", ["size", 1, 1]]]}
        >>> SliceBySize([[None, None, 1], [1, size, 1]])([tf.range(5)[None], tf.ones([1, 2])]).numpy()
        array([[1, 2]], dtype=int32)
    """

    def __init__(self, cuts: Sequence[Sequence[Formula | None]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cuts = [list(cut) for cut in cuts]

    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return the block of ``x``."""
        return x[tuple(slice(*self.numbers(cut, sizes)) for cut in self.cuts)]

    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> list[int | None]:
        """Return the sizes of the block."""
        result: list[int | None] = []
        for size, cut in zip(shape, self.cuts, strict=True):
            numbers = self.numbers(cut, sizes)
            known = size is not None and all(
                number is not None for number, given in zip(numbers, cut, strict=True) if given is not None
            )
            if cut == [None, None, 1]:
                result.append(size)
            else:
                result.append(len(range(size or 0)[slice(*numbers)]) if known else None)
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "cuts": self.cuts}
