"""Which samples ``keras.ops`` and operators (``x + y``, ``x[:, 1:-1]``) in functional graphs depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfdeconv.geometry import Reads
from tfdeconv.keras_reading.locality import NotLocal, Sizes, Stages, same_place
from tfdeconv.keras_reading.pointwise_operations import OVER_ONE_AXIS, POINTWISE
from tfdeconv.keras_reading.slicing import axis_entries


def operation_reads(
    operation: Any, inputs: Sequence[Sizes], channels_first: bool, arguments: Sequence[Any]
) -> Sequence[Stages]:
    """Return which samples of each input tensor the outputs of a node that is no layer depend on.

    Args:
        operation: The node's ``keras.Operation``.
        inputs: Spatial sizes of the input tensors.
        channels_first: Whether the channels are in front of the spatial axes.
        arguments: What else it was called with by position: a slice's key, a constant.

    Raises:
        NotLocal: There is no bounded neighbourhood, or none is known.

    Example:
        >>> import keras
        >>> doubled = 2 * keras.Input([8, 3])
        >>> operation_reads(doubled._keras_history.operation, [(8,)], False, [2])
        [[(Reads(step=1, per=1, first=0, last=0, size=8),)]]
    """
    kind, rank = type(operation).__name__, len(inputs[0])
    if kind == "GetItem":
        return [[_sliced(inputs[0], arguments[0], channels_first)]]
    if kind in OVER_ONE_AXIS or kind == "Concatenate":
        channel_axis = 1 if channels_first else rank + 1
        if not isinstance(operation.axis, int) or operation.axis % (rank + 2) != channel_axis:
            raise NotLocal(
                f"(keras.ops.{kind}) works along axis {operation.axis}. Use the channels, axis {channel_axis}"
            )
    elif kind not in POINTWISE:
        raise NotLocal(
            f"(keras.ops.{kind}) is not known to keep to a neighbourhood. Use a layer of Keras or tfdeconv"
        )
    for argument in arguments:
        shape = np.shape(argument) if isinstance(argument, np.ndarray) or hasattr(argument, "numpy") else ()
        spatial = shape[-rank:] if channels_first else shape[-1 - rank : -1]
        if any(size > 1 for size in spatial):
            raise NotLocal(
                f"takes a constant of shape {tuple(shape)}, another at every place. Make it an input"
            )
    return [same_place(sizes) for sizes in inputs]


def _sliced(sizes: Sizes, key: Any, channels_first: bool) -> tuple[Reads, ...]:
    """The reads of a slice of the spatial axes."""
    entries = axis_entries(key, len(sizes) + 2)
    if entries is None or entries[0] != slice(None):
        raise NotLocal(f"(slicing) must keep the axes, and all of the batch; received {key}")
    spatial = entries[2:] if channels_first else entries[1:-1]
    axes = []
    for axis, (entry, size) in enumerate(zip(spatial, sizes, strict=True)):
        bounds = (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else ("",)
        if not all(bound is None or isinstance(bound, int) for bound in bounds) or (entry.step or 1) < 1:
            raise NotLocal(
                f"(slicing) needs slices of known, forward steps along spatial axis {axis}; received {entry}"
            )
        kept = range(*entry.indices(size))
        axes.append(Reads(kept.step, 1, kept.start, kept.start, len(kept)))
    return tuple(axes)
