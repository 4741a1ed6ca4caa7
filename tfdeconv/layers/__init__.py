"""Keras layers: weights and configuration around ``tfdeconv.ops``."""

from tfdeconv.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from tfdeconv.layers.linear_upsampling import (
    BilinearUpsampling2D,
    LinearUpsampling1D,
    TrilinearUpsampling3D,
)

__all__ = [
    "BilinearUpsampling2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "LinearUpsampling1D",
    "TrilinearUpsampling3D",
]
