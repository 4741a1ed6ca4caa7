"""What a search for checkerboards finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

VISIBLE = 1e-3
"""Scores up to this are no cause for concern: a quarter of a step of an 8-bit image."""

Cause: TypeAlias = Literal["none", "uneven overlap", "unequal phase sums", "separate channels", "not linear"]
"""Why constants come out patterned. "separate channels": a pixel shuffle, whose phases are whatever
the layers before it put into its channels; "not linear": the layer has no kernel to judge."""


@dataclass(frozen=True)
class Check:
    """Measures of one kernel or layer.

    Attributes:
        score: See :func:`tfdeconv.analysis.checkerboard_score`.
        constant_energy: Artifact energy (see :func:`tfdeconv.analysis.artifact_energy`) of its output
            for a constant input of 1, activation and bias included.
        natural_energy: The same for noise with the spectrum of photographs.
    """

    score: float
    constant_energy: float
    natural_energy: float


@dataclass(frozen=True)
class CheckedFix:
    """A remedy and the same check after it.

    Attributes:
        name: Short name.
        advice: What to write instead.
        change: How far the closest kernel of that form is from the trained one, ``|new - old| / |old|``.
        after: The check of that closest kernel.
    """

    name: str
    advice: str
    change: float
    after: Check


@dataclass(frozen=True)
class LayerCheckerboard:
    """What one upsampling layer does to constants.

    Attributes:
        path: The layer's name, behind the names of the models that it is nested in.
        kind: The layer's class, or the operation of a SavedModel.
        strides: Upsampling factor along each axis.
        kernel_size: Taps along each axis; empty where the layer has no kernel.
        check: The measures; None where the layer has no kernel to judge.
        cause: Why there is a checkerboard; "none" where the score is at most ``VISIBLE``.
        fixes: Remedies, the one closest to the trained kernel first.
        kernel: The undilated kernel that was judged, ``[*kernel_size, filters // groups, channels]``.
    """

    path: str
    kind: str
    strides: tuple[int, ...]
    kernel_size: tuple[int, ...]
    check: Check | None
    cause: Cause
    fixes: tuple[CheckedFix, ...]
    kernel: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def score(self) -> float:
        """The score of the check; 0 where there is none."""
        return 0.0 if self.check is None else self.check.score


@dataclass(frozen=True)
class CheckerboardReport:
    """The checkerboards of a model, layer by layer; iterates over the layers.

    Attributes:
        layers: One entry for each upsampling layer, in order of execution.
        output: Artifact energies of the whole model's output, at its upsampling factor (where input
            and output have equal sizes: the product of the layers' factors), away from the borders;
            the score is that of the worst layer. None where the model does not map one image to one.
    """

    layers: tuple[LayerCheckerboard, ...]
    output: Check | None

    def __iter__(self) -> Iterator[LayerCheckerboard]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def worst(self) -> LayerCheckerboard | None:
        """The layer with the highest score; None where there are no layers.

        Of several within 1e-6 of it, which rounding alone may tell apart, the first.
        """
        most = max((layer.score for layer in self.layers), default=0.0)
        return next((layer for layer in self.layers if layer.score >= most - 1e-6), None)
