"""See what a transposed convolution does, and find faults in upsampling models.

The functions return arrays and frozen dataclasses; :mod:`tfdeconv.analysis.figures` draws them (and
needs the ``figures`` extra).
"""

import lazy_loader

from tfdeconv.analysis.artifacts import artifact_energy, natural_signal
from tfdeconv.analysis.checkerboard import checkerboard
from tfdeconv.analysis.checkerboard_report import Check, CheckedFix, CheckerboardReport, LayerCheckerboard
from tfdeconv.analysis.configuration import Axis, Configuration, configuration
from tfdeconv.analysis.contributions import Contributions, Term, contributions
from tfdeconv.analysis.coverage import Coverage, coverage
from tfdeconv.analysis.describe import LayerDescription, describe, describe_model
from tfdeconv.analysis.equivalents import Equivalent, equivalents
from tfdeconv.analysis.explanation import explain
from tfdeconv.analysis.operators import downsample_matrix, operator_matrix, upsample_matrix
from tfdeconv.analysis.overlap import Overlap, overlap
from tfdeconv.analysis.phases import checkerboard_score, phase_sums
from tfdeconv.analysis.receptive_field import ReceptiveField, receptive_field

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
