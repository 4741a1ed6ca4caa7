"""The scores of semantic segmentation, from a confusion matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class SegmentationScores(NamedTuple):
    """Pixel accuracy and mean intersection over union, both in [0, 1].

    Example:
        >>> SegmentationScores(pixel_accuracy=1.0, mean_iu=1.0).mean_iu
        1.0
    """

    pixel_accuracy: float
    mean_iu: float


def confusion_matrix(labels: Any, predictions: Any, num_classes: int) -> npt.NDArray[np.int64]:
    """Return how many pixels of class ``row`` were predicted as class ``column``.

    Args:
        labels: Integers in ``[0, num_classes)``, any shape.
        predictions: Integers of the same shape.
        num_classes: Number of classes.

    Example:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = np.asarray(labels, np.int64).ravel() * num_classes + np.asarray(predictions, np.int64).ravel()
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def segmentation_scores(confusion: npt.NDArray[np.int64]) -> SegmentationScores:
    """Return the scores of :func:`confusion_matrix`.

    Classes that neither occur nor are predicted do not count towards the mean.

    Example:
        >>> scores = segmentation_scores(np.array([[1, 1], [0, 1]]))
        >>> round(scores.pixel_accuracy, 3), scores.mean_iu
        (0.667, 0.5)

    References:
        Long, Shelhamer and Darrell 2015, arXiv 1411.4038, section 5.
    """
    right = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - right
    present = union > 0
    return SegmentationScores(
        float(right.sum() / confusion.sum()), float(np.mean(right[present] / union[present]))
    )
