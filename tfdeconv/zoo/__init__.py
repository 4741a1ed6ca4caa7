"""Reusable upsampling architectures."""

from tfdeconv.zoo.fcn import FCN
from tfdeconv.zoo.fsrcnn import FSRCNN
from tfdeconv.zoo.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.slim import Slim
from tfdeconv.zoo.tile_network import LocalNetwork, ServedNetwork, TileNetwork
from tfdeconv.zoo.upscale import upscale
from tfdeconv.zoo.upscaler_model import load_upscaler

__all__ = [
    "FCN",
    "FSRCNN",
    "LocalNetwork",
    "RGBUpscaler",
    "ServedNetwork",
    "Slim",
    "TileNetwork",
    "load_upscaler",
    "upscale",
]
