"""The coordinate maps of ``keras.ops`` and operators (``x + y``, ``x[:, 1:-1]``) in functional graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfdeconv.errors import AlignmentError
from tfdeconv.geometry import CoordinateMap
from tfdeconv.keras_reading import POINTWISE, Layout, Maps
from tfdeconv.keras_reading.slicing import axis_entries


def operation_maps(operation: Any, arguments: Sequence[Any], layout: Layout) -> Maps:
    """Return the maps of one node that is not a layer.

    Args:
        operation: The node's ``keras.Operation``.
        arguments: What it was called with, the input tensor first.
        layout: The input tensor's layout.

    Raises:
        AlignmentError: The operation moves samples in a way that is no affine map per axis.

    Example:
        >>> import keras
        >>> x = keras.Input([8, 3])
        >>> key = (slice(None), slice(2, None))
        >>> operation = x[key]._keras_history.operation
        >>> [str(axis) for axis in operation_maps(operation, [x, key], Layout((8,)))]
        ['1 * x - 2']
    """
    kind = type(operation).__name__
    if kind in POINTWISE:
        return (CoordinateMap(),) * len(layout.sizes)
    if kind == "GetItem":
        return _slicing(arguments[1], layout)
    raise AlignmentError("(keras.ops) has no known coordinate map. Use one of tfdeconv's or Keras's layers")


def _slicing(key: Any, layout: Layout) -> Maps:
    """The crop that a slice of the spatial axes is."""
    entries = axis_entries(key, len(layout.sizes) + 2)
    if entries is None:
        raise AlignmentError(f"(slicing) must keep the axes; received {key}")
    spatial = entries[2:] if layout.channels_first else entries[1:-1]
    maps = []
    for axis, (entry, size) in enumerate(zip(spatial, layout.sizes, strict=True)):
        start = (entry.start or 0) if isinstance(entry, slice) and entry.step in (None, 1) else None
        if isinstance(start, int) and start < 0:
            start = None if size is None else max(start + size, 0)
        if not isinstance(start, int):
            raise AlignmentError(
                f"(slicing) needs step 1 and a known start on spatial axis {axis}; received {entry}"
            )
        maps.append(CoordinateMap.shift(-start))
    return tuple(maps)
