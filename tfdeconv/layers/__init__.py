"""Keras layers: weights and configuration around ``tfdeconv.ops``."""

from tfdeconv.layers.bilinear_additive_upsampling import BilinearAdditiveUpsampling2D
from tfdeconv.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from tfdeconv.layers.crop_like import CropLike
from tfdeconv.layers.depthwise_conv_transpose import DepthwiseConv2DTranspose
from tfdeconv.layers.linear_upsampling import (
    BilinearUpsampling2D,
    LinearUpsampling1D,
    TrilinearUpsampling3D,
)
from tfdeconv.layers.max_unpooling import MaxPooling2DWithSwitches, MaxUnpooling2D
from tfdeconv.layers.pixel_shuffle import PixelShuffle1D, PixelShuffle2D, PixelShuffle3D
from tfdeconv.layers.resize_conv import ResizeConv2D
from tfdeconv.layers.subpixel_conv import SubpixelConv2D

__all__ = [
    "BilinearAdditiveUpsampling2D",
    "BilinearUpsampling2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "CropLike",
    "DepthwiseConv2DTranspose",
    "LinearUpsampling1D",
    "MaxPooling2DWithSwitches",
    "MaxUnpooling2D",
    "PixelShuffle1D",
    "PixelShuffle2D",
    "PixelShuffle3D",
    "ResizeConv2D",
    "SubpixelConv2D",
    "TrilinearUpsampling3D",
]
