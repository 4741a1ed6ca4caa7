"""Shapes that are ints where TensorFlow knows them and tensors elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import tensorflow as tf

Size: TypeAlias = Any
"""A number of samples: an int where it is known, else an int32 scalar tensor."""


def partial_shape(x: tf.Tensor) -> list[Size]:
    """Return every axis of ``x``: an int where it is known, else an int32 scalar tensor.

    Example:
        >>> partial_shape(tf.zeros([1, 4, 5, 3]))
        [1, 4, 5, 3]
    """
    if x.shape.is_fully_defined():
        return list(x.shape)
    return known_or(x.shape, tf.shape(x))


def spatial_sizes(x: tf.Tensor) -> tuple[Size, ...]:
    """Return the sizes of axes 1 .. rank - 2 of a channels-last tensor, ints where known.

    Example:
        >>> spatial_sizes(tf.zeros([1, 4, 5, 3]))
        (4, 5)
    """
    return tuple(partial_shape(x)[1:-1])


def scaled_shape(x: tf.Tensor, factors: Sequence[int]) -> list[Size]:
    """Return every axis of ``x`` times its factor, as :func:`partial_shape` does, by one product for all.

    Example:
        >>> scaled_shape(tf.zeros([1, 4, 5, 3]), (1, 2, 2, 1))
        [1, 8, 10, 3]
    """
    known = [None if size is None else size * factor for size, factor in zip(x.shape, factors, strict=True)]
    if None not in known:
        return known
    return known_or(known, tf.shape(x) * tf.constant(factors, tf.int32))


def known_or(known: Sequence[int | None], vector: tf.Tensor) -> list[Size]:
    """Return the ints of ``known``, and in place of each None the scalar of an int32 vector.

    Example:
        >>> known_or([2, 3], tf.constant([2, 3]))
        [2, 3]
    """
    return [scalar if size is None else size for size, scalar in zip(known, tf.unstack(vector), strict=True)]


def reshape(x: tf.Tensor, shape: list[Size]) -> tf.Tensor:
    """Return ``x`` with the axes ``shape``, whose ints stay known in the result.

    Example:
        >>> reshape(tf.zeros([2, 3]), [3, tf.constant(2)]).shape
        TensorShape([3, 2])
    """
    return known_shape(tf.reshape(x, shape), shape)


def known_shape(x: tf.Tensor, shape: Sequence[Size | None]) -> tf.Tensor:
    """Return ``x``, whose shape is declared to have the ints of ``shape``; no op is added to the graph.

    ``tf.ensure_shape`` checks the same at run time, which is one more op, and one that TensorFlow Lite lacks.
    ``x`` must be a tensor that was just computed.

    Example:
        >>> known_shape(tf.zeros([2, 3]), [None, 3]).shape
        TensorShape([2, 3])
    """
    x.set_shape([size if isinstance(size, int) else None for size in shape])
    return x
