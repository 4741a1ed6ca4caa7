"""What a Keras layer computes, asked in one place.

Keras's own layers are known by their classes. A layer of this package, or a user's, tells it by itself:
with an attribute ``geometry``, the methods ``transposed_convolution()``, ``coordinate_map(sizes)`` and
``reads(sizes)``, an attribute ``is_pixel_shuffle``, and one ``switches`` where positions of maxima are its
second output ("makes") or input ("takes"). A class's name says nothing here.
"""

from tfdeconv.keras_reading.convolution import is_convolution
from tfdeconv.keras_reading.coordinate_maps import Everywhere, Maps, layer_position
from tfdeconv.keras_reading.locality import NotLocal, Sizes, Stages, layer_reads, same_place
from tfdeconv.keras_reading.operation_locality import operation_reads
from tfdeconv.keras_reading.own_call import computes_its_base, computes_like
from tfdeconv.keras_reading.pixel_shuffle import is_pixel_shuffle
from tfdeconv.keras_reading.pointwise_operations import POINTWISE
from tfdeconv.keras_reading.positive_copy import positive_copy
from tfdeconv.keras_reading.spatial_axes import Layout, other_data_format
from tfdeconv.keras_reading.transposed_convolution import (
    TransposedConvolution,
    conv_transpose_geometry,
    transposed_convolution,
)

__all__ = [
    "POINTWISE",
    "Everywhere",
    "Layout",
    "Maps",
    "NotLocal",
    "Sizes",
    "Stages",
    "TransposedConvolution",
    "computes_its_base",
    "computes_like",
    "conv_transpose_geometry",
    "is_convolution",
    "is_pixel_shuffle",
    "layer_position",
    "layer_reads",
    "operation_reads",
    "other_data_format",
    "positive_copy",
    "same_place",
    "transposed_convolution",
]
