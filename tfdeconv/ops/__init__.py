"""The functional core: tensors in, tensors out. The layers add weights and configuration to these."""

from tfdeconv.ops.conv_transpose import conv_transpose
from tfdeconv.ops.linear_upsample import linear_upsample
from tfdeconv.ops.lowerings import LOWERINGS

__all__ = ["LOWERINGS", "conv_transpose", "linear_upsample"]
