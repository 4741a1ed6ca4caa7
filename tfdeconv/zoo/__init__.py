"""Reusable upsampling architectures."""

from tfdeconv.zoo.fsrcnn import FSRCNN
from tfdeconv.zoo.rgb_upscaler import RGBUpscaler

__all__ = ["FSRCNN", "RGBUpscaler"]
