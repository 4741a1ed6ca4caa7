"""Which inputs of a model can change an output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.analysis.models.probe import output_sizes, probe_of
from tfdeconv.errors import InvalidArgumentError


@dataclass(frozen=True)
class ReceptiveField:
    """The inputs that one output sample depends on.

    Attributes:
        position: Index of the output sample along each axis.
        support: Bool array ``[*input_sizes]``: which input samples can change it.
        output_size: Output samples along each axis.
    """

    position: tuple[int, ...]
    support: np.ndarray
    output_size: tuple[int, ...]

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """First and last input sample along each axis; (0, -1) where there is none."""
        axes = np.nonzero(self.support)
        return tuple((int(used.min()), int(used.max())) if used.size else (0, -1) for used in axes)

    @property
    def size(self) -> tuple[int, ...]:
        """Input samples from first to last along each axis."""
        return tuple(last - first + 1 for first, last in self.bounds)

    @property
    def cut(self) -> bool:
        """Whether it reaches a border of the input, so that it may be larger than seen here."""
        limits = zip(self.bounds, self.support.shape, strict=True)
        return bool(self.support.any()) and any(first == 0 or last == n - 1 for (first, last), n in limits)


def receptive_field(
    model: keras.Model,
    input_shape: Sequence[int | None] | None = None,
    *,
    position: Sequence[int] | None = None,
) -> ReceptiveField:
    """Find the input samples that can change one output sample.

    Structure alone counts: the weights are replaced by positive ones, so that nothing cancels, no
    activation is off, and pooling passes every input on.

    Args:
        model: A functional or Sequential model from one image to one image.
        input_shape: Shape of the input without the batch; None: the model's own, 32 for each size
            that it leaves open.
        position: Index of the output sample along each axis; None: the central one.

    Returns:
        The field; ``cut`` tells whether a larger input would show more of it.

    Raises:
        InvalidArgumentError: The model is not of that kind, it unpools (which depends on values), or the
            position is outside the output.

    Example:
        >>> model = keras.Sequential([keras.Input([32, 1]), keras.layers.Conv1D(4, 3)])
        >>> model.add(keras.layers.Conv1DTranspose(1, 4, strides=2))
        >>> receptive_field(model).size
        (4,)
    """
    probe, shape = probe_of(model, input_shape)
    x = tf.Variable(np.random.default_rng(0).uniform(0.5, 1.5, shape))
    with tf.GradientTape() as tape:
        y = probe(x)
        sizes = output_sizes(y)
        index = tuple(n // 2 for n in sizes) if position is None else tuple(position)
        if len(index) != len(sizes) or any(not 0 <= i < n for i, n in zip(index, sizes, strict=True)):
            raise InvalidArgumentError(f"position must lie inside the output {sizes}; received {index}.")
        weights = np.random.default_rng(1).uniform(0.5, 1.5, y.shape[-1])  # softmax sums to a constant
        value = tf.reduce_sum(y[(0, *index)] * weights)
    support = np.any(np.asarray(tape.gradient(value, x))[0] != 0, axis=-1)
    return ReceptiveField(index, support, sizes)
