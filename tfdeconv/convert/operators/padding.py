"""Padding and cropping of the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

ZERO_PADDING = {1: keras.layers.ZeroPadding1D, 2: keras.layers.ZeroPadding2D, 3: keras.layers.ZeroPadding3D}
CROPPING = {2: keras.layers.Cropping2D, 3: keras.layers.Cropping3D}

Pads = Sequence[tuple[int, int]]

MODES = ("constant", "reflect", "edge", "wrap")
"""What is put around the samples, by NumPy's and ONNX's names."""


def pad(place: Place, pads: Pads, mode: str = "constant", value: float = 0.0) -> list[Step]:
    """Return padding by (before, after) samples of each spatial axis; negative numbers crop."""
    if mode not in MODES:
        raise ConversionError(f"pads by mode {mode!r}; known are {', '.join(MODES)}.")
    steps: list[Step] = []
    crops = tuple((max(-before, 0), max(-after, 0)) for before, after in pads)
    around = tuple((max(before, 0), max(after, 0)) for before, after in pads)
    if any(map(any, crops)):
        steps.append(_cropping(place.called("cropping"), crops))
    if not any(map(any, around)):
        return steps
    if mode == "constant" and value == 0:
        steps.append(_of_rank(ZERO_PADDING, place, around))
        return steps
    every = [(0, 0)] * (place.known_rank() + 2)
    for axis, pair in zip(place.spatial_axes, around, strict=True):
        every[axis] = pair
    steps.append(_pad_step(every, mode, value))
    return steps


def _cropping(place: Place, crops: Pads) -> Step:
    if place.known_rank() > 1:
        return _of_rank(CROPPING, place, crops)
    ((before, after),) = crops
    if place.channels_first:  # Keras's layer is channels last
        return lambda x: _slice(x, 2, before, -after or None)
    return keras.layers.Cropping1D((before, after), dtype=place.dtype, name=place.name)


def _of_rank(classes: dict[int, Any], place: Place, pairs: Pads) -> keras.layers.Layer:
    rank = place.known_rank()
    return classes[rank](
        pairs[0] if rank == 1 else tuple(pairs),
        data_format=place.data_format,
        dtype=place.dtype,
        name=place.name,
    )


def _pad_step(pads: Pads, mode: str, value: float) -> Step:
    def step(x: Any) -> Any:
        return pad_axes(x, pads, mode, value)

    return step


def pad_axes(x: Any, pads: Pads, mode: str = "constant", value: float = 0.0) -> Any:
    """Pad every axis of the Keras tensor ``x`` by its (before, after) pair."""
    if mode == "constant":
        return keras.ops.pad(x, pads, constant_values=value)
    if mode == "reflect":
        return keras.ops.pad(x, pads, mode="reflect")
    for axis, (before, after) in enumerate(pads):
        parts = [x]
        if before:
            first = _slice(x, axis, 0, 1) if mode == "edge" else _slice(x, axis, -before, None)
            parts[:0] = [first] * (before if mode == "edge" else 1)
        if after:
            last = _slice(x, axis, -1, None) if mode == "edge" else _slice(x, axis, 0, after)
            parts += [last] * (after if mode == "edge" else 1)
        if len(parts) > 1:
            x = keras.ops.concatenate(parts, axis=axis)
    return x


def _slice(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[(*(slice(None),) * axis, slice(start, stop))]
