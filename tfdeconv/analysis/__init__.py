"""See what a transposed convolution does, and find faults in upsampling models.

The functions return arrays and frozen dataclasses; :mod:`tfdeconv.analysis.figures` draws them (and
needs the ``figures`` extra).
"""

import lazy_loader

from tfdeconv.analysis.arithmetic.configuration import Axis, Configuration, configuration
from tfdeconv.analysis.arithmetic.contributions import Contributions, Term, contributions
from tfdeconv.analysis.arithmetic.explanation import explain
from tfdeconv.analysis.arithmetic.framework_calls import Equivalent, equivalents
from tfdeconv.analysis.arithmetic.operators import downsample_matrix, operator_matrix, upsample_matrix
from tfdeconv.analysis.arithmetic.overlap import Overlap, overlap
from tfdeconv.analysis.arithmetic.phases import checkerboard_score, phase_sums
from tfdeconv.analysis.checkerboards.artifacts import artifact_energy, natural_signal
from tfdeconv.analysis.checkerboards.checkerboard import checkerboard
from tfdeconv.analysis.checkerboards.checkerboard_report import (
    Check,
    CheckedFix,
    CheckerboardReport,
    LayerCheckerboard,
)
from tfdeconv.analysis.models.coverage import Coverage, coverage
from tfdeconv.analysis.models.receptive_field import ReceptiveField, receptive_field
from tfdeconv.analysis.report.description import LayerDescription, describe, describe_model

__all__ = [
    "Axis",
    "Check",
    "CheckedFix",
    "CheckerboardReport",
    "Configuration",
    "Contributions",
    "Coverage",
    "Equivalent",
    "LayerCheckerboard",
    "LayerDescription",
    "Overlap",
    "ReceptiveField",
    "Term",
    "artifact_energy",
    "checkerboard",
    "checkerboard_score",
    "configuration",
    "contributions",
    "coverage",
    "describe",
    "describe_model",
    "downsample_matrix",
    "equivalents",
    "explain",
    "figures",
    "natural_signal",
    "operator_matrix",
    "overlap",
    "phase_sums",
    "receptive_field",
    "upsample_matrix",
]

# Matplotlib is imported only when figures is used.
__getattr__, __dir__, _ = lazy_loader.attach(__name__, submodules={"figures"})
