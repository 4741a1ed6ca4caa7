"""Padding and cropping by numbers that follow from sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.convert.by_size.formulas import Formula, Sizes
from tfdeconv.convert.by_size.layer import LayerBySize
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_registration import PACKAGE

MODES = ("constant", "reflect", "edge", "wrap")


@keras.saving.register_keras_serializable(package=PACKAGE)
class PadBySize(LayerBySize):
    """Pad the axes of a tensor by formulas of sizes; negative numbers crop.

    Args:
        pads: (before, after) of every axis of ``x``, numbers or formulas (``by_size.formulas``).
        mode: "constant", "reflect", "edge" or "wrap", as in ``numpy.pad``.
        value: What is put around by mode "constant".
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: The mode is not known.

    Example:
        >>> missing = {"constant": "0", "terms": [["1", ["size", 1, 1]], ["-1", ["size", 0, 1]]]}
        >>> PadBySize([[0, 0], [0, missing]])([tf.ones([1, 2]), tf.ones([1, 4])]).numpy()
        array([[1., 1., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        pads: Sequence[Sequence[Formula]],
        mode: str = "constant",
        value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise InvalidArgumentError(f"mode must be one of {', '.join(MODES)}; received {mode!r}.")
        self.pads = [list(pair) for pair in pads]
        self.mode, self.value = mode, value

    def compute(self, x: tf.Tensor, sizes: Sizes) -> tf.Tensor:
        """Return ``x`` with samples around it."""
        pairs = [self.numbers(pair, sizes) for pair in self.pads]
        if self.mode != "constant":
            for axis, (before, after) in enumerate(pairs):
                if not _is_zero(before) or not _is_zero(after):
                    size = sizes(0, axis)
                    at = tf.range(-before, size + after)
                    x = tf.gather(x, self._places(at, size), axis=axis)
            return x
        pairs = [[tf.convert_to_tensor(number, tf.int32) for number in pair] for pair in pairs]
        begins = [tf.maximum(-before, 0) for before, _ in pairs]
        kept = [
            sizes(0, axis) - begin - tf.maximum(-after, 0)
            for axis, (begin, (_, after)) in enumerate(zip(begins, pairs, strict=True))
        ]
        around = tf.stack([tf.stack([tf.maximum(number, 0) for number in pair]) for pair in pairs])
        x = tf.slice(x, tf.stack(begins), tf.stack(kept))
        return tf.pad(x, around, constant_values=tf.cast(self.value, x.dtype))

    def _places(self, at: tf.Tensor, size: Any) -> tf.Tensor:
        """Which samples lie at positions that may be outside."""
        if self.mode == "edge":
            return tf.clip_by_value(at, 0, size - 1)
        if self.mode == "wrap":
            return at % size
        period = tf.maximum(2 * (size - 1), 1)
        return tf.minimum(at % period, period - at % period)

    def sizes_of_output(self, shape: tuple[int | None, ...], sizes: Sizes) -> list[int | None]:
        """Return the padded sizes."""
        result: list[int | None] = []
        for size, pair in zip(shape, self.pads, strict=True):
            before, after = self.numbers(pair, sizes)
            result.append(None if None in (size, before, after) else size + before + after)
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "pads": self.pads, "mode": self.mode, "value": self.value}


def _is_zero(number: Any) -> bool:
    return isinstance(number, int) and number == 0
