"""Photographs in files: read them without loss, write them whole or not at all, reduce and compare them."""

from tfdeconv.imaging.bicubic import bicubic_resize, degrade
from tfdeconv.imaging.image_quality import psnr, ssim
from tfdeconv.imaging.luma import luma
from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.reading import READ_SUFFIXES, read_photograph
from tfdeconv.imaging.writing import KINDS, SUFFIXES, check_target, write_photograph

__all__ = [
    "KINDS",
    "READ_SUFFIXES",
    "SUFFIXES",
    "Photograph",
    "bicubic_resize",
    "check_target",
    "degrade",
    "luma",
    "psnr",
    "read_photograph",
    "ssim",
    "write_photograph",
]
