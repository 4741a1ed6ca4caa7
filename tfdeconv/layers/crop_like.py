"""Crop one tensor to the size and place of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.errors import AlignmentError, InvalidArgumentError
from tfdeconv.geometry import CoordinateMap, Reads, axis_arguments
from tfdeconv.keras_reading import Sizes, Stages
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.requested_output import requested_sizes
from tfdeconv.layers.tensor_pair import tensor_pair
from tfdeconv.ops.crop import check_crop
from tfdeconv.ops.tensors.data_format import standardize_data_format


@keras.saving.register_keras_serializable(package=PACKAGE)
class CropLike(keras.layers.Layer):
    """Crop a tensor to the spatial size of a reference; called as ``crop([tensor, reference])``.

    Args:
        offset: First sample kept: an int, one for each axis, or "auto". "auto" computes it with
            ``tfdeconv.alignment.crop_offset`` from the functional graph that made both tensors, so
            that samples lie on the place of the input that they came from.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        **kwargs: Arguments of ``keras.layers.Layer`` (name, dtype).

    Raises:
        InvalidArgumentError: The block passes the end of the tensor, or "auto" is used outside a
            functional graph.
        AlignmentError: "auto" finds no legal offset.

    Example:
        >>> import numpy as np
        >>> x, reference = np.arange(5.0).reshape(1, 5, 1), np.zeros([1, 3, 8])
        >>> CropLike(offset=1)([x, reference]).numpy().ravel()
        array([1., 2., 3.])

    References:
        Caffe's Crop layer and ``coord_map``, as used by Long, Shelhamer and Darrell 2015.
    """

    def __init__(
        self,
        offset: int | Sequence[int] | Literal["auto"] = "auto",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # values are only moved
        if isinstance(offset, str) and offset != "auto":
            raise InvalidArgumentError(
                f"offset must be 'auto', an int or one int for each axis; received {offset!r}."
            )
        self.offset = (
            offset if isinstance(offset, str) else axis_arguments.int_or_ints("offset", offset, minimum=0)
        )
        self.data_format = standardize_data_format(data_format)
        self._found: tuple[int, ...] | None = None  # what "auto" found in the functional graph

    def call(self, inputs: Any) -> tf.Tensor:
        """Return ``tensor[offset : offset + size of reference]`` along every spatial axis.

        Args:
            inputs: ``[tensor, reference]``.
        """
        x, reference = tensor_pair(inputs, "[tensor, reference]")
        rank = _common_rank(x.shape, reference.shape)
        size = requested_sizes(None, reference, rank=rank, data_format=self.data_format)
        return ops.crop(x, offset=self._offset(rank), size=size, data_format=self.data_format)

    def _offset(self, rank: int) -> tuple[int, ...]:
        if not isinstance(self.offset, str):
            return axis_arguments.per_axis("offset", self.offset, rank, minimum=0)
        if self._found is None:
            raise InvalidArgumentError(
                f"offset='auto' needs a functional graph: call {self.name!r} on keras.Input tensors first, "
                "or give the offset as ints."
            )
        return self._found

    def compute_output_spec(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """Return the symbolic output, and find the offset of "auto"."""
        x, reference = tensor_pair(inputs, "[tensor, reference]")
        if self.offset == "auto" and hasattr(x, "_keras_history") and hasattr(reference, "_keras_history"):
            self._find(x, reference)
        return keras.KerasTensor(self.compute_output_shape((x.shape, reference.shape)), dtype=x.dtype)

    def compute_output_shape(self, input_shape: Sequence[Sequence[int | None]]) -> tuple[int | None, ...]:
        """Return the output's shape for the shapes of ``[tensor, reference]``; None stays None."""
        shape, reference = input_shape
        first = 2 if self.data_format == "channels_first" else 1
        last = first + _common_rank(shape, reference)
        wanted = tuple(reference[first:last])
        for axis, (begin, size) in enumerate(zip(self._offset(len(wanted)), wanted, strict=True)):
            check_crop(shape[first + axis], begin, size, axis)
        return (*shape[:first], *wanted, *shape[last:])

    def _find(self, x: keras.KerasTensor, reference: keras.KerasTensor) -> None:
        from tfdeconv.alignment import crop_offset

        found = crop_offset(x, reference)
        if self._found not in (None, found):
            raise AlignmentError(
                f"{self.name!r} is shared by tensors that need different offsets, {self._found} and {found}. "
                "Use one CropLike for each."
            )
        self._found = found

    def reads(self, sizes: Sizes, reference: Sizes) -> Sequence[Stages | None]:
        """Return which inputs the outputs depend on, for ``tfdeconv.keras_reading``."""
        offset = self._offset(len(sizes))
        axes = zip(sizes, offset, reference, strict=True)
        return [[tuple(Reads.shift(size, -begin, begin + kept - size) for size, begin, kept in axes)], None]

    def coordinate_map(self, input_sizes: Sequence[int | None]) -> tuple[CoordinateMap, ...]:
        """Return where the samples of each spatial axis go, for ``tfdeconv.alignment``."""
        return tuple(CoordinateMap.shift(-begin) for begin in self._offset(len(input_sizes)))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "offset": self.offset, "data_format": self.data_format}


def _common_rank(shape: Sequence[int | None], reference: Sequence[int | None]) -> int:
    if len(shape) != len(reference) or len(shape) not in (3, 4, 5):
        raise InvalidArgumentError(
            "tensor and reference must have the same number of axes: batch, 1, 2 or 3 spatial axes and "
            f"channels; received shapes {tuple(shape)} and {tuple(reference)}."
        )
    return len(shape) - 2
