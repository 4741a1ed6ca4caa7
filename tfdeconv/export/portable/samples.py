"""Inputs to check a written file with: odd sizes, several samples, none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.errors import ExportError, InvalidArgumentError
from tfdeconv.export.portable.program import Arrays, Shape

FREE_SIZES = ((13, 18, 7), (32, 27, 12), (70, 97, 33), (160, 193, 64), (321, 288, 128))
"""Sizes that stand for free axes in turn, the first that the model takes; no axis as long as the next."""
RUNS = 2
"""Different sizes that a file with free ones is run with."""
BATCH = 2


def input_shapes(model: keras.Model, input_shape: Any) -> tuple[Shape, ...]:
    """Return the shape of each input with its batch, as the file is to have it.

    Args:
        model: A functional model.
        input_shape: Shape of one input without the batch, None where a size stays free; a list of shapes
            for several inputs; None for the model's own.

    Raises:
        InvalidArgumentError: A shape does not fit the model.

    Example:
        >>> image = keras.Input([None, None, 3])
        >>> input_shapes(keras.Model(image, image), (None, 64, 3))
        ((None, None, 64, 3),)
    """
    own = [tuple(tensor.shape) for tensor in model.inputs]
    if input_shape is None:
        return tuple(own)
    listed = list(input_shape) if isinstance(input_shape, Sequence) else [input_shape]
    nested = bool(listed) and isinstance(listed[0], Sequence)
    given: list[Any] = listed if nested else [listed]
    if len(given) != len(own):
        raise InvalidArgumentError(
            f"input_shape must hold one shape for each of the {len(own)} inputs of the model; received "
            f"{input_shape!r}."
        )
    shapes = []
    for wanted, known in zip(given, own, strict=True):
        fits = len(wanted) == len(known) - 1 and all(
            size == axis or (axis is None and isinstance(size, int | np.integer) and size >= 1)
            for size, axis in zip(wanted, known[1:], strict=True)
        )
        if not fits:
            raise InvalidArgumentError(
                f"input_shape must fit the model's input {known[1:]} without the batch; received "
                f"{tuple(wanted)}."
            )
        shapes.append((known[0], *wanted))
    return tuple(shapes)


def sample_inputs(model: keras.Model, shapes: Sequence[Shape]) -> Iterator[Arrays]:
    """Yield random inputs of a few sizes, as many as the model takes; the same at every call.

    Numbers are from 0 to 1; zeros and ones where an input takes integers, within any vocabulary.

    Raises:
        ExportError: The model takes none of them.
    """
    generator, failure, count = np.random.default_rng(0), None, 0
    free = any(None in shape[1:] for shape in shapes)
    for number, sizes in enumerate(FREE_SIZES if free else FREE_SIZES[:1]):
        inputs = {
            tensor.name: _random(tensor, _filled(shape, sizes, BATCH if number % 2 == 0 else 1), generator)
            for tensor, shape in zip(model.inputs, shapes, strict=True)
        }
        try:
            model(keras.tree.pack_sequence_as(model.input, list(inputs.values())), training=False)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            failure = error  # too small a picture, perhaps
            continue
        yield inputs
        count += 1
        if count == RUNS:
            return
    if not count:
        raise ExportError(
            f"model {model.name!r} takes no sample input of shapes {list(shapes)}: {failure} Give "
            "input_shape= with sizes that it takes."
        ) from failure


def empty_inputs(inputs: Arrays) -> Arrays:
    """Return inputs of the same shapes without a sample.

    Example:
        >>> empty_inputs({"image": np.zeros([2, 5, 5, 3])})["image"].shape
        (0, 5, 5, 3)
    """
    return {name: array[:0] for name, array in inputs.items()}


def _filled(shape: Shape, sizes: Sequence[int], batch: int) -> tuple[int, ...]:
    inner = shape[1:]
    return (
        shape[0] or batch,
        *(sizes[axis % 3] if size is None else size for axis, size in enumerate(inner)),
    )


def _random(tensor: Any, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    dtype = tf.as_dtype(tensor.dtype)
    if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
        raise ExportError(
            f"model must take numbers; its input {tensor.name!r} takes {dtype.name}. Export the part of the "
            "model behind its preprocessing."
        )
    value = generator.uniform(size=shape) if dtype.is_floating else generator.integers(2, size=shape)
    return value.astype(dtype.as_numpy_dtype)
