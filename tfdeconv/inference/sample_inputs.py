"""Random inputs to measure and compare models with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments


def random_inputs(model: keras.Model, input_shape: Any, batch: int) -> Any:
    """Return inputs for ``model`` in the structure that it takes, the same at every call.

    Args:
        model: A functional model.
        input_shape: Shape of one input without the batch, or a list with one shape for each input.
        batch: Samples.

    Returns:
        Numbers from 0 to 1; zeros and ones where an input takes integers, within any vocabulary.

    Raises:
        InvalidArgumentError: A shape is not fully known or does not fit the model, or an input takes text.

    Example:
        >>> image = keras.Input((None, 4, 3))
        >>> random_inputs(keras.Model(image, image), (8, 4, 3), batch=2).shape
        TensorShape([2, 8, 4, 3])
    """
    (batch,) = axis_arguments.per_axis("batch", batch, 1)
    generator = np.random.default_rng(0)
    values = []
    for tensor, shape in zip(model.inputs, _shapes(model, input_shape), strict=True):
        _check_shape(shape, batch, tuple(tensor.shape))
        size, dtype = (batch, *shape), tf.as_dtype(tensor.dtype)
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise InvalidArgumentError(
                f"model must take numbers; its input {tensor.name!r} takes {dtype.name}. Optimize the part "
                "of the model behind its preprocessing."
            )
        value = generator.uniform(size=size) if dtype.is_floating else generator.integers(2, size=size)
        values.append(tf.cast(value, tensor.dtype))
    return keras.tree.pack_sequence_as(model.input, values)


def _shapes(model: keras.Model, input_shape: Any) -> list[tuple[Any, ...]]:
    """One shape for each input."""
    shapes = list(input_shape) if isinstance(input_shape, Iterable) else []
    if isinstance(input_shape, Iterable) and not (shapes and isinstance(shapes[0], Sequence)):
        shapes = [shapes]
    if len(shapes) != len(model.inputs):
        raise InvalidArgumentError(
            f"input_shape must hold one shape for each of the {len(model.inputs)} inputs of the model; "
            f"received {input_shape!r}."
        )
    return [tuple(shape) for shape in shapes]


def _check_shape(shape: tuple[Any, ...], batch: int, expected: tuple[int | None, ...]) -> None:
    full = (batch, *shape)
    if len(full) != len(expected) or any(
        known not in (None, size) for known, size in zip(expected, full, strict=True)
    ):
        raise InvalidArgumentError(
            f"input_shape must fit the model's input {expected[1:]} without the batch; "
            f"received {shape} (with batch={batch})."
        )
    if not all(isinstance(size, int | np.integer) and size >= 1 for size in shape):
        example = tuple(size or 64 for size in expected[1:])
        raise InvalidArgumentError(
            f"input_shape must hold fully known sizes, such as {example}; received {shape}."
        )
