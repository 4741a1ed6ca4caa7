"""Make trained models fast to run: rewrite, measure, and keep what is fastest."""

from tfdeconv.inference.max_prelu import MaxPReLU
from tfdeconv.inference.optimization_report import LayerReport, Report
from tfdeconv.inference.optimize import Optimized, optimize
from tfdeconv.inference.prepared_conv_transpose import PreparedConvTranspose

__all__ = ["LayerReport", "MaxPReLU", "Optimized", "PreparedConvTranspose", "Report", "optimize"]
