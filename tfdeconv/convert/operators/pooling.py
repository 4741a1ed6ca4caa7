"""Pooling of the spatial axes, by windows and over whole axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from tfdeconv.convert.operators import padding, resampling, resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

MAX = {1: keras.layers.MaxPooling1D, 2: keras.layers.MaxPooling2D, 3: keras.layers.MaxPooling3D}
AVERAGE = {
    1: keras.layers.AveragePooling1D,
    2: keras.layers.AveragePooling2D,
    3: keras.layers.AveragePooling3D,
}
GLOBAL_AVERAGE = {
    1: keras.layers.GlobalAveragePooling1D,
    2: keras.layers.GlobalAveragePooling2D,
    3: keras.layers.GlobalAveragePooling3D,
}
GLOBAL_MAX = {
    1: keras.layers.GlobalMaxPooling1D,
    2: keras.layers.GlobalMaxPooling2D,
    3: keras.layers.GlobalMaxPooling3D,
}


def max_pool(
    place: Place,
    pool_size: Sequence[int],
    strides: Sequence[int],
    pads: padding.Pads,
    *,
    dilation_rate: Sequence[int],
    ceil_mode: bool,
) -> list[Step]:
    """Return max pooling; what is padded never wins."""
    if any(rate != 1 for rate in dilation_rate):
        raise ConversionError(
            f"pools with dilation {tuple(dilation_rate)}; only windows without gaps have a layer."
        )
    if ceil_mode:
        pads = _with_partial_windows(place, pool_size, strides, pads)
    return [
        *padding.pad(place.called("padding"), pads, value=-math.inf),
        _windows(MAX, place, pool_size, strides),
    ]


def average_pool(
    place: Place,
    pool_size: Sequence[int],
    strides: Sequence[int],
    pads: padding.Pads,
    *,
    ceil_mode: bool,
    count_include_pad: bool,
) -> list[Step]:
    """Return average pooling; ``count_include_pad`` divides by the window's size at the borders, too."""
    around = _with_partial_windows(place, pool_size, strides, pads) if ceil_mode else pads
    partial = any(wide != given for wide, given in zip(around, pads, strict=True))
    pool = _windows(AVERAGE, place, pool_size, strides)
    if not any(map(any, around)):
        return [pool]
    if count_include_pad and not partial:
        return [*padding.pad(place.called("padding"), around), pool]
    # Samples outside count for nothing; those of explicit pads count where they are asked for.
    counted = pads if count_include_pad else [(0, 0)] * len(pads)
    beyond = [(b - c, a - d) for (b, a), (c, d) in zip(around, counted, strict=True)]
    divisor = _windows(AVERAGE, place.called("counts"), pool_size, strides)

    def step(x: Any) -> Any:
        inner = padding.pad(Place(place.data_format, place.rank, dtype=place.dtype), counted)
        outer = padding.pad(Place(place.data_format, place.rank, dtype=place.dtype), beyond)
        for pad in inner:
            x = pad(x)
        counts = keras.ops.ones_like(x)
        for pad in outer:
            x, counts = pad(x), pad(counts)
        return pool(x) / divisor(counts)

    return [step]


def global_pool(place: Place, kind: str, *, keepdims: bool) -> list[Step]:
    """Return the mean or the maximum ("average" or "max") of the spatial axes."""
    layer = (GLOBAL_AVERAGE if kind == "average" else GLOBAL_MAX)[place.known_rank()]
    return [layer(data_format=place.data_format, keepdims=keepdims, dtype=place.dtype, name=place.name)]


def adaptive_pool(place: Place, kind: str, output_sizes: Sequence[int | None]) -> list[Step]:
    """Return pooling to ``output_sizes`` by windows as equal as can be; None keeps a size."""
    if all(size == 1 for size in output_sizes):
        return global_pool(place, kind, keepdims=True)
    windows = []
    for axis, wanted in enumerate(output_sizes):
        size = place.size(axis)
        if wanted is not None and size % wanted:
            if kind == "average":
                return resizing.by_matrices(
                    place,
                    [
                        resampling.area_matrix(
                            place.size(each) if out is None else out, place.size(each)
                        ).numpy()
                        for each, out in enumerate(output_sizes)
                    ],
                )
            raise ConversionError(
                f"pools {size} samples to {wanted}, by windows of unequal sizes; for maxima only an output "
                "size that divides the input's has an exact layer."
            )
        windows.append(1 if wanted is None else size // wanted)
    return [_windows(AVERAGE if kind == "average" else MAX, place, windows, windows)]


def _windows(
    classes: dict[int, Any], place: Place, pool_size: Sequence[int], strides: Sequence[int]
) -> keras.layers.Layer:
    rank = place.known_rank()
    return classes[rank](
        pool_size[0] if rank == 1 else tuple(pool_size),
        strides=strides[0] if rank == 1 else tuple(strides),
        padding="valid",
        data_format=place.data_format,
        dtype=place.dtype,
        name=place.name,
    )


def _with_partial_windows(
    place: Place, pool_size: Sequence[int], strides: Sequence[int], pads: padding.Pads
) -> list[tuple[int, int]]:
    """``pads`` with what windows that pass the end need, as ceil_mode keeps them.

    PyTorch and ONNX drop a window that would start in the padding behind the samples; none does where
    the window is at least as long as stride and padding together.
    """
    around = []
    for axis, (pool, stride, (before, after)) in enumerate(zip(pool_size, strides, pads, strict=True)):
        if pool >= stride + after and (place.sizes is None or place.sizes[axis] is None):
            around.append((before, after + stride - 1))
            continue
        size = place.size(axis)
        count = -(-(size + before + after - pool) // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
        around.append((before, max((count - 1) * stride + pool - size - before, after)))
    return around
