"""Layers of tfdeconv and Keras for what the other frameworks describe with the same few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy.typing as npt

from tfdeconv import geometry, layers
from tfdeconv.convert.kernels import kernel_from_torch, with_weights
from tfdeconv.errors import ConversionError

CONV_TRANSPOSE = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}
CONV = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
ZERO_PADDING = {1: keras.layers.ZeroPadding1D, 2: keras.layers.ZeroPadding2D, 3: keras.layers.ZeroPadding3D}
NEAREST = {1: keras.layers.UpSampling1D, 2: keras.layers.UpSampling2D, 3: keras.layers.UpSampling3D}
LINEAR = {
    1: layers.LinearUpsampling1D,
    2: layers.BilinearUpsampling2D,
    3: layers.TrilinearUpsampling3D,
}

Pads = Sequence[tuple[int, int]]


def conv_transpose(
    weight: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    *,
    strides: Sequence[int],
    padding: Any,
    output_padding: Sequence[int] | None,
    dilation_rate: Sequence[int],
    groups: int,
    data_format: str | None,
    name: str | None,
) -> keras.layers.Layer:
    """Return the ``ConvNDTranspose`` for a weight ``[channels, filters // groups, *kernel_size]``."""
    kernel = kernel_from_torch(weight)
    layer = CONV_TRANSPOSE[kernel.ndim - 2](
        kernel.shape[-2] * groups,
        kernel.shape[:-2],
        strides=tuple(strides),
        padding=padding,
        output_padding=output_padding,
        data_format=data_format,
        dilation_rate=tuple(dilation_rate),
        groups=groups,
        use_bias=bias is not None,
        dtype=kernel.dtype.name,
        name=name,
    )
    return with_weights(layer, kernel.shape[-1], [kernel, bias])


def convolution(
    weight: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    *,
    strides: Sequence[int],
    pads: Pads | str,
    dilation_rate: Sequence[int],
    groups: int,
    data_format: str | None,
    name: str | None,
) -> list[keras.layers.Layer]:
    """Return the ``ConvND`` for a weight ``[filters, channels // groups, *kernel_size]``.

    ``pads`` are (before, after) pairs, or "same". Pairs that "same" does not stand for become a padding
    layer in front.
    """
    kernel = kernel_from_torch(weight)
    rank = kernel.ndim - 2
    if any(s > 1 for s in strides) and any(d > 1 for d in dilation_rate):
        raise ConversionError(
            f"A convolution with strides and dilation both above 1 has no Keras layer; received strides "
            f"{tuple(strides)} and dilation {tuple(dilation_rate)}."
        )
    padding, around = (
        ("same", None) if isinstance(pads, str) else _padding(kernel, strides, pads, dilation_rate)
    )
    layer = CONV[rank](
        kernel.shape[-1],
        kernel.shape[:-2],
        strides=tuple(strides),
        padding=padding,
        data_format=data_format,
        dilation_rate=tuple(dilation_rate),
        groups=groups,
        use_bias=bias is not None,
        dtype=kernel.dtype.name,
        name=name,
    )
    convolved = with_weights(layer, kernel.shape[-2] * groups, [kernel, bias])
    if around is None:
        return [convolved]
    padded = ZERO_PADDING[rank](
        around[0] if rank == 1 else around,
        data_format=data_format,
        name=None if name is None else f"{name}_padding",
    )
    return [padded, convolved]


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


def batch_normalization(
    scale: npt.NDArray[Any],
    offset: npt.NDArray[Any],
    mean: npt.NDArray[Any],
    variance: npt.NDArray[Any],
    *,
    epsilon: float,
    momentum: float,
    rank: int,
    channels_first: bool,
    name: str | None,
) -> keras.layers.Layer:
    """Return the ``BatchNormalization`` with these statistics, for ``rank`` spatial axes.

    ``momentum`` is the share of the old value, as in Keras.
    """
    layer = keras.layers.BatchNormalization(
        axis=1 if channels_first else -1, momentum=momentum, epsilon=epsilon, name=name
    )
    sizes: tuple[None, ...] = (None,) * rank
    layer.build((None, len(scale), *sizes) if channels_first else (None, *sizes, len(scale)))
    layer.set_weights([scale, offset, mean, variance])
    return layer


def upsampling(
    factors: Sequence[int], *, linear: bool, data_format: str | None, name: str | None
) -> keras.layers.Layer:
    """Return nearest repetition, or interpolation with half-pixel centres and repeated borders."""
    rank = len(factors)
    factor = factors[0] if rank == 1 else tuple(factors)
    if linear:
        return LINEAR[rank](factor, boundary="edge", data_format=data_format, name=name)
    if rank == 1:
        if data_format == "channels_first":
            raise ConversionError(
                "Keras's UpSampling1D is channels last; received data_format='channels_first'. Convert "
                "with data_format='channels_last'."
            )
        return NEAREST[1](factor, name=name)
    return NEAREST[rank](factor, data_format=data_format, name=name)


def one_layer(found: Sequence[keras.layers.Layer], name: str | None = None) -> keras.layers.Layer:
    """Return the only layer of ``found``, or a ``keras.Sequential`` of them."""
    return found[0] if len(found) == 1 else keras.Sequential(list(found), name=name)
