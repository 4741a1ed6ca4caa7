"""Kernels and conventions of PyTorch, ONNX and Caffe to layers of tfdeconv and Keras, and back.

Every converter returns layers that compute the same numbers, or raises
:class:`tfdeconv.errors.ConversionError` with the reason. Neither framework needs to be installed to
convert a single layer: its attributes and arrays are all that is read.
"""

from tfdeconv.convert.caffe_layers import from_caffe
from tfdeconv.convert.kernels import kernel_from_torch, kernel_to_torch, switches_from_torch
from tfdeconv.convert.onnx.model import from_onnx
from tfdeconv.convert.pytorch.modules import from_torch
from tfdeconv.convert.pytorch.state import to_torch_state

__all__ = [
    "from_caffe",
    "from_onnx",
    "from_torch",
    "kernel_from_torch",
    "kernel_to_torch",
    "switches_from_torch",
    "to_torch_state",
]
