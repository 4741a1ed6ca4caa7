"""How far the outputs of two models are apart."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np


def largest_difference(outputs: Any, others: Any) -> tuple[float, float]:
    """Return the largest difference, and the largest number, of the output that differs most.

    Each output is judged at its own scale. Two infinities of one sign, and two values that are no number,
    do not differ; one such value differs infinitely from a number.

    Args:
        outputs: A tensor, or a structure of tensors.
        others: The same of another model.

    Returns:
        ``(max(abs(outputs - others)), max(abs(outputs)))`` for the output with the largest ratio of
        the two.

    Example:
        >>> large, small = np.array([1000.0, np.nan]), np.array([1.0, 0.5])
        >>> largest_difference([large, small], [large + 1.0, small + 0.25])
        (0.25, 1.0)
    """
    pairs = zip(keras.tree.flatten(outputs), keras.tree.flatten(others), strict=True)
    differences = [_difference(np.asarray(a, "float64"), np.asarray(b, "float64")) for a, b in pairs]
    return max(differences, key=_ratio)


def _difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    distances = np.abs(np.subtract(a, b, where=~equal, out=np.zeros_like(a)))
    error = float(np.max(distances, initial=0.0))
    scale = float(np.max(np.abs(a), where=np.isfinite(a), initial=0.0))
    return (math.inf if math.isnan(error) else error), scale


def _ratio(difference: tuple[float, float]) -> float:
    error, scale = difference
    if error == 0:
        return 0.0
    return error / scale if scale > 0 else math.inf
