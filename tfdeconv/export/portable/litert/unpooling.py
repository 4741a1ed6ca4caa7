"""Unpooling without scattering: LiteRT compares the position of every sample with its window's switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import ExportError
from tfdeconv.layers import MaxUnpooling2D
from tfdeconv.layers.requested_output import requested_sizes
from tfdeconv.ops.nearest_upsample import nearest_upsample
from tfdeconv.ops.tensors.data_format import to_channels_first, to_channels_last
from tfdeconv.ops.tensors.shapes import spatial_sizes


def check(layer: MaxUnpooling2D, path: str) -> None:
    """Raise ExportError where windows overlap: then one sample may hold the maxima of several."""
    if any(stride < pool for stride, pool in zip(layer.strides, layer.pool_size, strict=True)):
        raise ExportError(
            f"Layer {path!r} (MaxUnpooling2D) has overlapping windows, pool_size={layer.pool_size} with "
            f"strides={layer.strides}, whose unpooling needs a scatter that the format does not have. Use "
            "strides of at least pool_size."
        )


def unpool(layer: MaxUnpooling2D, inputs: Any, output_shape: Any, like: Any) -> tf.Tensor:
    """Return what ``layer`` computes, for windows that do not overlap."""
    x, switches = inputs
    sizes = requested_sizes(output_shape, like, rank=2, data_format=layer.data_format)
    if tf.is_tensor(sizes):
        sizes = tf.unstack(sizes, 2)
    channels_first = layer.data_format == "channels_first"
    if channels_first:
        x, switches = to_channels_last(x), to_channels_last(switches)
    if sizes is None:
        sizes = [
            size * stride if layer.padding == "same" else geometry.full_size(size, pool, stride)
            for size, pool, stride in zip(spatial_sizes(x), layer.pool_size, layer.strides, strict=True)
        ]
    leads = [
        geometry.same_lead(geometry.full_size(size, pool, stride), wanted, maximum=tf.maximum)
        if layer.padding == "same"
        else 0
        for size, wanted, pool, stride in zip(
            spatial_sizes(x), sizes, layer.pool_size, layer.strides, strict=True
        )
    ]
    values = _spread(x, layer.strides, leads, sizes)
    chosen = _spread(tf.cast(switches, tf.int32) + 1, layer.strides, leads, sizes) - 1  # nothing is -1
    height, width = sizes
    channels = x.shape[-1]
    rows = tf.reshape(tf.range(height), [-1, 1, 1]) * (width * channels)
    columns = tf.reshape(tf.range(width), [-1, 1]) * channels
    here = tf.equal(chosen, rows + columns + tf.range(channels))
    y = tf.where(here, values, tf.zeros([], x.dtype))
    return to_channels_first(y) if channels_first else y


def _spread(x: tf.Tensor, strides: Sequence[int], leads: Sequence[Any], sizes: Sequence[Any]) -> tf.Tensor:
    """Repeat every sample over its window; nothing behind the last window."""
    x = nearest_upsample(tf.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)]), strides, data_format="channels_last")
    return tf.slice(x, tf.stack([0, *leads, 0]), tf.stack([-1, *sizes, -1]))
