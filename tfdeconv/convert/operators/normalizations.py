"""Normalisation layers with the statistics and weights of the other frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy.typing as npt

from tfdeconv.convert.operators.place import Place, Step

Array = npt.NDArray[Any]


def batch_normalization(
    place: Place,
    scale: Array | None,
    offset: Array | None,
    mean: Array,
    variance: Array,
    *,
    epsilon: float,
    momentum: float,
) -> list[Step]:
    """Return ``BatchNormalization`` with these statistics; ``momentum`` is the share of the old value."""
    layer = keras.layers.BatchNormalization(
        axis=place.channel_axis,
        momentum=momentum,
        epsilon=epsilon,
        scale=scale is not None,
        center=offset is not None,
        dtype=place.dtype,
        name=place.name,
    )
    return [_with_weights(place, layer, len(mean), [scale, offset, mean, variance])]


def group_normalization(
    place: Place, groups: int, scale: Array | None, offset: Array | None, *, channels: int, epsilon: float
) -> list[Step]:
    """Return ``GroupNormalization``; as many groups as channels are instance normalisation."""
    layer = keras.layers.GroupNormalization(
        groups=groups,
        axis=place.channel_axis,
        epsilon=epsilon,
        scale=scale is not None,
        center=offset is not None,
        dtype=place.dtype,
        name=place.name,
    )
    return [_with_weights(place, layer, channels, [scale, offset])]


def layer_normalization(
    place: Place, scale: Array | None, offset: Array | None, *, shape: Sequence[int], epsilon: float
) -> list[Step]:
    """Return ``LayerNormalization`` of the last axes, of ``shape``, of the Keras tensor."""
    layer = keras.layers.LayerNormalization(
        axis=-1 if len(shape) == 1 else list(range(-len(shape), 0)),
        epsilon=epsilon,
        scale=scale is not None,
        center=offset is not None,
        dtype=place.dtype,
        name=place.name,
    )
    layer.build((None, *shape))
    layer.set_weights([array for array in (scale, offset) if array is not None])
    return [layer]


def _with_weights(
    place: Place, layer: keras.layers.Layer, channels: int, weights: Sequence[Array | None]
) -> keras.layers.Layer:
    sizes: tuple[None, ...] = (None,) * (0 if place.rank == 0 else place.known_rank())
    layer.build((None, channels, *sizes) if place.channels_first else (None, *sizes, channels))
    layer.set_weights([array for array in weights if array is not None])
    return layer
