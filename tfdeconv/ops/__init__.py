"""The functional core: tensors in, tensors out. The layers add weights and configuration to these."""

from tfdeconv.ops import keras_backend
from tfdeconv.ops.bilinear_additive_upsample import bilinear_additive_upsample
from tfdeconv.ops.conv_transpose import conv_transpose
from tfdeconv.ops.crop import crop
from tfdeconv.ops.depthwise_conv_transpose import depthwise_conv_transpose
from tfdeconv.ops.linear_upsample import linear_upsample
from tfdeconv.ops.lowerings import LOWERINGS
from tfdeconv.ops.max_pool_with_switches import PooledWithSwitches, max_pool_with_switches
from tfdeconv.ops.max_unpool import max_unpool
from tfdeconv.ops.nearest_upsample import nearest_upsample
from tfdeconv.ops.pixel_shuffle import pixel_shuffle
from tfdeconv.ops.resize_conv import resize_conv
from tfdeconv.ops.subpixel_conv import subpixel_conv

keras_backend.check_backend()

__all__ = [
    "LOWERINGS",
    "PooledWithSwitches",
    "bilinear_additive_upsample",
    "conv_transpose",
    "crop",
    "depthwise_conv_transpose",
    "linear_upsample",
    "max_pool_with_switches",
    "max_unpool",
    "nearest_upsample",
    "pixel_shuffle",
    "resize_conv",
    "subpixel_conv",
]
