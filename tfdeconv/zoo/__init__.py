"""Reusable upsampling architectures."""

from tfdeconv.zoo.dcgan import DCGANGenerator
from tfdeconv.zoo.pictures.tile_network import KerasNetwork, LocalNetwork, ServedNetwork, TileNetwork
from tfdeconv.zoo.pictures.upscaling import upscale
from tfdeconv.zoo.segmentation.fcn import FCN
from tfdeconv.zoo.segmentation.unet import UNetDecoder
from tfdeconv.zoo.upscalers.fine import Fine
from tfdeconv.zoo.upscalers.fsrcnn import FSRCNN
from tfdeconv.zoo.upscalers.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.upscalers.slim import Slim
from tfdeconv.zoo.upscalers.upscaler_model import load_upscaler

__all__ = [
    "FCN",
    "FSRCNN",
    "DCGANGenerator",
    "Fine",
    "KerasNetwork",
    "LocalNetwork",
    "RGBUpscaler",
    "ServedNetwork",
    "Slim",
    "TileNetwork",
    "UNetDecoder",
    "load_upscaler",
    "upscale",
]
