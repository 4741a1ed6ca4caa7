"""How evenly a model uses its input and fills its output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from tfdeconv.analysis.models.probe import output_sizes, probe_of
from tfdeconv.errors import InvalidArgumentError

POSITIONS_AT_ONCE = 64
"""Impulses in one batch of :func:`coverage`."""

MOST_POSITIONS = 16384
"""Input samples up to which :func:`coverage` tries each."""


@dataclass(frozen=True)
class Coverage:
    """How evenly a model uses its input and fills its output.

    Attributes:
        reached: Int array ``[*input_sizes]``: output samples that each input sample can change.
        seen: Int array ``[*output_sizes]``: input samples that each output sample depends on.
    """

    reached: np.ndarray
    seen: np.ndarray

    @property
    def unused(self) -> int:
        """Input samples that change nothing."""
        return int((self.reached == 0).sum())


def coverage(model: keras.Model, input_shape: Sequence[int | None] | None = None) -> Coverage:
    """Count, for each input sample, the outputs it can change, and for each output, its inputs.

    Strides that skip samples show as ``unused`` inputs, transposed convolutions with uneven overlap
    as a pattern in ``seen``.

    Args:
        model: As in :func:`tfdeconv.analysis.receptive_field`.
        input_shape: As there; every input sample is tried, so keep it small.

    Returns:
        Both counts.

    Raises:
        InvalidArgumentError: The model is not of that kind, or the input is too large.

    Example:
        >>> model = keras.Sequential([keras.Input([4, 1]), keras.layers.Conv1DTranspose(1, 3, strides=2)])
        >>> coverage(model).seen
        array([1, 1, 2, 1, 2, 1, 2, 1, 1])
        >>> skipping = keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1D(1, 1, strides=2)])
        >>> coverage(skipping).unused
        4

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts", Distill.
    """
    probe, shape = probe_of(model, input_shape)
    sizes = shape[1:-1]
    count = math.prod(sizes)
    if count > MOST_POSITIONS:
        raise InvalidArgumentError(
            f"input_shape must have at most {MOST_POSITIONS} samples, each of which is tried; received "
            f"{sizes}. Give a smaller input_shape."
        )
    rest = np.asarray(probe(np.ones(shape)))
    reached = np.zeros(count, int)
    seen = np.zeros(output_sizes(rest), int)
    for first in range(0, count, POSITIONS_AT_ONCE):
        chosen = np.arange(first, min(first + POSITIONS_AT_ONCE, count))
        batch = np.ones((len(chosen), *shape[1:]))
        batch[(np.arange(len(chosen)), *np.unravel_index(chosen, sizes))] = 2
        changed = np.any(np.abs(np.asarray(probe(batch)) - rest) > 1e-12 * np.abs(rest), axis=-1)
        reached[chosen] = changed.reshape(len(chosen), -1).sum(axis=1)
        seen += changed.sum(axis=0)
    return Coverage(reached.reshape(sizes), seen)
