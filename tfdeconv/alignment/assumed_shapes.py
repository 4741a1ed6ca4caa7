"""Shapes inside a model for inputs whose sizes are known, or known to be multiples of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras

from tfdeconv.alignment.graph import ancestors
from tfdeconv.errors import AlignmentError

Shape: TypeAlias = tuple[int | None, ...]
Shapes: TypeAlias = Mapping[Any, Shape]
"""Keras tensor -> the shape that it has."""

REPRESENTATIVES = (4, 5)
"""How many times the multiple stands for "any multiple": one even, one odd, both above a few strides."""


def shapes_inside(model: keras.Model, output: Any, input_shapes: Sequence[Shape]) -> Shapes:
    """Return the shape of every tensor that ``output`` is made of, for inputs of ``input_shapes``.

    Raises:
        AlignmentError: The model takes no inputs of these shapes.

    Example:
        >>> model = keras.Sequential([keras.Input([None, None, 3]), keras.layers.Conv2D(2, 3)])
        >>> list(shapes_inside(model, model.outputs[0], [(None, 8, 9, 3)]).values())
        [(None, 6, 7, 2), (None, 8, 9, 3)]
    """
    tensors = ancestors(output)
    inputs = [
        keras.KerasTensor(shape, start.dtype) for start, shape in zip(model.inputs, input_shapes, strict=True)
    ]
    try:
        found = keras.Function(model.inputs, tensors).compute_output_spec(inputs)
    except ValueError as error:
        raise AlignmentError(
            f"Model {model.name!r} takes no input of shape {input_shapes}: {error}"
        ) from None
    return {tensor: spec.shape for tensor, spec in zip(tensors, found, strict=True)}


def representative_shapes(tensors: Sequence[Any]) -> list[tuple[Shape, ...]]:
    """Return the shapes that stand for all shapes of ``tensors``: their own where nothing more is known.

    A layer with an attribute ``size_multiple`` says that its output sizes are multiples of that number.

    Example:
        >>> representative_shapes([keras.Input([8, 9, 3])])
        [((None, 8, 9, 3),)]
    """
    found = [tuple(_shape(tensor, count) for tensor in tensors) for count in REPRESENTATIVES]
    return found if found[0] != found[1] else found[:1]


def _shape(tensor: Any, count: int) -> Shape:
    multiple = getattr(tensor._keras_history.operation, "size_multiple", None)
    if multiple is None:
        return tuple(tensor.shape)
    batch, *sizes, last = tensor.shape
    return (batch, *(count * multiple if size is None else size for size in sizes), last)
