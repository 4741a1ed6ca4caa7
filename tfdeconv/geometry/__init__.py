"""Sizes and windows of transposed convolutions, in pure integers (no TensorFlow is imported)."""

from tfdeconv.geometry.axis import (
    Window,
    crops,
    full_size,
    output_size_range,
    phases,
    same_lead,
    smallest_output_size,
    torch_window,
    window,
)
from tfdeconv.geometry.conv_transpose_geometry import ConvTransposeGeometry
from tfdeconv.geometry.coordinate_map import CoordinateMap
from tfdeconv.geometry.forward_convolution import (
    ForwardPadding,
    effective_kernel_size,
    forward_padding,
    forward_size,
    same_padding_before,
)
from tfdeconv.geometry.linear_kernel import linear_kernel, linear_kernel_size
from tfdeconv.geometry.onnx_convention import AutoPad, onnx_window
from tfdeconv.geometry.reads import Reads
from tfdeconv.geometry.tile_grid import AxisTile, axis_tiles
from tfdeconv.geometry.tiles import Span, smallest_tile, spans

__all__ = [
    "AutoPad",
    "AxisTile",
    "ConvTransposeGeometry",
    "CoordinateMap",
    "ForwardPadding",
    "Reads",
    "Span",
    "Window",
    "axis_tiles",
    "crops",
    "effective_kernel_size",
    "forward_padding",
    "forward_size",
    "full_size",
    "linear_kernel",
    "linear_kernel_size",
    "onnx_window",
    "output_size_range",
    "phases",
    "same_lead",
    "same_padding_before",
    "smallest_output_size",
    "smallest_tile",
    "spans",
    "torch_window",
    "window",
]
