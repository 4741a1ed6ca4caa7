"""Convolutions, transposed ones, and products with a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy.typing as npt

from tfdeconv import geometry, layers
from tfdeconv.convert.kernels import kernel_from_torch, with_weights
from tfdeconv.convert.operators.padding import Pads, pad
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError
from tfdeconv.layers.convolution import convolution_class

CONV_TRANSPOSE = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}


def conv_transpose(
    place: Place,
    weight: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    *,
    strides: Sequence[int],
    padding: Any,
    output_padding: Sequence[int] | None,
    dilation_rate: Sequence[int],
    groups: int,
) -> list[Step]:
    """Return the ``ConvNDTranspose`` for a weight ``[channels, filters // groups, *kernel_size]``."""
    kernel = kernel_from_torch(weight)
    layer = CONV_TRANSPOSE[kernel.ndim - 2](
        kernel.shape[-2] * groups,
        kernel.shape[:-2],
        strides=tuple(strides),
        padding=padding,
        output_padding=output_padding,
        data_format=place.data_format,
        dilation_rate=tuple(dilation_rate),
        groups=groups,
        use_bias=bias is not None,
        dtype=kernel.dtype.name,
        name=place.name,
    )
    return [with_weights(layer, kernel.shape[-1], [kernel, bias])]


def convolution(
    place: Place,
    weight: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    *,
    strides: Sequence[int],
    pads: Pads | str,
    dilation_rate: Sequence[int],
    groups: int,
) -> list[Step]:
    """Return the ``ConvND`` for a weight ``[filters, channels // groups, *kernel_size]``.

    ``pads`` are (before, after) pairs, or "same". Pairs that "same" does not stand for become a padding
    layer in front.
    """
    kernel = kernel_from_torch(weight)
    rank = kernel.ndim - 2
    place = replace(place, rank=rank)
    if any(s > 1 for s in strides) and any(d > 1 for d in dilation_rate):
        raise ConversionError(
            f"has strides {tuple(strides)} and dilation {tuple(dilation_rate)}; a convolution with strides "
            "and dilation both above 1 has no Keras layer."
        )
    padding, around = (
        ("same", None) if isinstance(pads, str) else _padding(kernel, strides, pads, dilation_rate)
    )
    layer = convolution_class(rank, place.data_format)(
        kernel.shape[-1],
        kernel.shape[:-2],
        strides=tuple(strides),
        padding=padding,
        data_format=place.data_format,
        dilation_rate=tuple(dilation_rate),
        groups=groups,
        use_bias=bias is not None,
        dtype=kernel.dtype.name,
        name=place.name,
    )
    convolved = with_weights(layer, kernel.shape[-2] * groups, [kernel, bias])
    return [convolved] if around is None else [*pad(place.called("padding"), around), convolved]


def _padding(
    kernel: npt.NDArray[Any], strides: Sequence[int], pads: Pads, dilation_rate: Sequence[int]
) -> tuple[str, tuple[tuple[int, int], ...] | None]:
    """Keras's name for ``pads`` and None, or "valid" and the pairs to pad beforehand."""
    if not any(map(any, pads)):
        return "valid", None
    totals = [
        geometry.effective_kernel_size(size, dilation) - 1
        for size, dilation in zip(kernel.shape[:-2], dilation_rate, strict=True)
    ]
    same = [(total // 2, total - total // 2) for total in totals]
    if all(stride == 1 for stride in strides) and list(map(tuple, pads)) == same:
        return "same", None
    return "valid", tuple((before, after) for before, after in pads)


def dense(place: Place, weight: npt.NDArray[Any], bias: npt.NDArray[Any] | None) -> list[Step]:
    """Return the ``Dense`` layer for a weight ``[units, features]``."""
    layer = keras.layers.Dense(
        weight.shape[0], use_bias=bias is not None, dtype=weight.dtype.name, name=place.name
    )
    layer.build((None, weight.shape[1]))
    layer.set_weights([weight.T] if bias is None else [weight.T, bias])
    return [layer]
