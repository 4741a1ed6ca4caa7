"""Coordinate maps through Keras graphs, and the crop offsets that follow from them.

Every layer that keeps spatial axes moves sample ``x`` of its input to ``scale * x + offset`` of its
output. Composing those maps along a graph says where a sample ends up, and so by how many samples an
upsampled tensor must be cropped to lie on another one: what Caffe's FCN models do with hand-made
numbers, computed here for any Keras functional graph in exact fractions.
"""

from tfdeconv.alignment.assumed_shapes import shapes_inside
from tfdeconv.alignment.cropping import crop_offset, map_between
from tfdeconv.alignment.tracing import Trace, trace
from tfdeconv.geometry import CoordinateMap

__all__ = ["CoordinateMap", "Trace", "crop_offset", "map_between", "shapes_inside", "trace"]
