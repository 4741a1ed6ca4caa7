"""Pictures of transposed convolutions and of what an analysis found; needs the ``figures`` extra.

Every function returns a Matplotlib figure that belongs to no window; :func:`save` writes it.
"""

# ruff: noqa: E402 - whether Matplotlib is there is checked before what imports it
from tfdeconv.extras import require

require("matplotlib", extra="figures", feature="Drawing figures")

from tfdeconv.analysis.figures.animation import animate
from tfdeconv.analysis.figures.fields import coverage, receptive_field
from tfdeconv.analysis.figures.layout import layout
from tfdeconv.analysis.figures.matrix import matrix
from tfdeconv.analysis.figures.patterns import checkerboard_pattern, checkerboard_scores
from tfdeconv.analysis.figures.style import save

__all__ = [
    "animate",
    "checkerboard_pattern",
    "checkerboard_scores",
    "coverage",
    "layout",
    "matrix",
    "receptive_field",
    "save",
]
