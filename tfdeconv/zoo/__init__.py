"""Reusable upsampling architectures."""

from tfdeconv.zoo.fsrcnn import FSRCNN
from tfdeconv.zoo.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.slim import Slim
from tfdeconv.zoo.upscaler_model import load_upscaler

__all__ = ["FSRCNN", "RGBUpscaler", "Slim", "load_upscaler"]
