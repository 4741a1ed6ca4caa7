"""Zero padding at the bottom and right, so that strides divide the size of any picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.alignment import CoordinateMap
from tfdeconv.geometry import Reads, axis_arguments
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.ops.tensors.data_format import standardize_data_format
from tfdeconv.ops.tensors.shapes import known_shape


@keras.saving.register_keras_serializable(package=PACKAGE)
class PadToMultiple2D(keras.layers.Layer):
    """Pad height and width with zeros at their ends up to the next multiple.

    Samples keep their coordinates, so cropping what follows to the picture's size undoes the padding.

    Args:
        multiple: What the sizes become multiples of, at least 1.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: ``multiple`` is below 1.

    Example:
        >>> PadToMultiple2D(32)(tf.zeros([1, 33, 64, 3])).shape
        TensorShape([1, 64, 64, 3])
    """

    def __init__(self, multiple: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = axis_arguments.per_axis("multiple", multiple, 1)[0]
        self.data_format = standardize_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    @property
    def size_multiple(self) -> int:
        """What height and width of the output are multiples of, for ``tfdeconv.alignment``."""
        return self.multiple

    def call(self, inputs: Any) -> tf.Tensor:
        """Return ``inputs`` with height and width rounded up."""
        sizes = tf.shape(inputs)
        first = self._first_axis
        after = [-sizes[axis] % self.multiple for axis in (first, first + 1)]
        paddings = [[0, 0]] * first + [[0, count] for count in after] + [[0, 0]] * (2 - first)
        padded = tf.pad(inputs, paddings)
        return known_shape(padded, self.compute_output_shape(inputs.shape))

    @property
    def _first_axis(self) -> int:
        return 2 if self.data_format == "channels_first" else 1

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input shape; None stays None."""
        shape = list(input_shape)
        for axis in (self._first_axis, self._first_axis + 1):
            size = shape[axis]
            shape[axis] = None if size is None else size + -size % self.multiple
        return tuple(shape)

    def reads(self, sizes: Sizes) -> Sequence[Stages]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        return [[tuple(Reads.shift(size, 0, -size % self.multiple) for size in sizes)]]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go: they stay."""
        return (CoordinateMap(),) * len(input_sizes)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "multiple": self.multiple, "data_format": self.data_format}
