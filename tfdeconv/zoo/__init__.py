"""Reusable upsampling architectures."""

from tfdeconv.zoo.dcgan import DCGANGenerator
from tfdeconv.zoo.fcn import FCN
from tfdeconv.zoo.fsrcnn import FSRCNN
from tfdeconv.zoo.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.slim import Slim
from tfdeconv.zoo.tile_network import LocalNetwork, ServedNetwork, TileNetwork
from tfdeconv.zoo.unet import UNetDecoder
from tfdeconv.zoo.upscaler_model import load_upscaler
from tfdeconv.zoo.upscaling import upscale

__all__ = [
    "FCN",
    "FSRCNN",
    "DCGANGenerator",
    "LocalNetwork",
    "RGBUpscaler",
    "ServedNetwork",
    "Slim",
    "TileNetwork",
    "UNetDecoder",
    "load_upscaler",
    "upscale",
]
