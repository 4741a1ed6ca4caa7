"""The pieces of rewritten layers in TensorFlow ops that LiteRT has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import ExportError
from tfdeconv.export.portable.polyphase import Polyphase
from tfdeconv.export.portable.rewriting import Piece
from tfdeconv.keras_reading import TransposedConvolution
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.output_window import OutputWindow, take
from tfdeconv.ops.tensors.data_format import to_channels_first, to_channels_last
from tfdeconv.ops.tensors.shapes import known_shape, partial_shape, spatial_sizes


def compute(piece: Piece, x: tf.Tensor, sizes: Sequence[Any] | None) -> tf.Tensor:
    """Return what ``piece`` computes for ``x``.

    Args:
        piece: A part of a rewritten layer.
        x: The input in the layout of the layer.
        sizes: Output sizes that the call asks for, ints or scalar tensors.
    """
    channels_first = piece.data_format == "channels_first"
    if channels_first:
        x = to_channels_last(x)
    y = _native(piece, x) if isinstance(piece, TransposedConvolution) else _polyphase(piece, x, sizes)
    return piece.activation(to_channels_first(y) if channels_first else y)


def check(piece: Piece, path: str) -> None:
    """Raise ExportError where LiteRT's own transposed convolution cannot compute ``piece``."""
    if isinstance(piece, TransposedConvolution) and (piece.groups > 1 or piece.geometry.rank == 1):
        raise ExportError(
            f"Layer {path!r} has {piece.groups} groups and {piece.geometry.rank} spatial axes; with "
            "lowering='gradient' LiteRT takes one group and two or three axes. Use the default lowering."
        )


def _polyphase(piece: Polyphase, x: tf.Tensor, sizes: Sequence[Any] | None) -> tf.Tensor:
    inputs = spatial_sizes(x)
    if piece.repeat_border:
        x = tf.pad(x, [(0, 0), *[(1, 1)] * piece.rank, (0, 0)], mode="SYMMETRIC")
    blocks = _convolve(piece, _pad(x, piece.pads))
    if piece.bias is not None:
        blocks = tf.nn.bias_add(blocks, piece.bias)
    if piece.groups > 1 and piece.phases > 1:  # phases innermost: LiteRT shuffles the other order only
        order = np.arange(piece.filters * piece.phases).reshape(piece.filters, piece.phases)
        blocks = tf.gather(blocks, order.T.ravel(), axis=-1)
    y = shuffle(blocks, piece.strides, piece.filters)
    y = y[(slice(None), *(slice(start, -end or None) for start, end in piece.crops))]
    if piece.requested is None:
        return y
    assert sizes is not None  # rewriting makes such a piece for calls that ask for a size
    leads = [
        geometry.same_lead(
            geometry.full_size(size, window.kernel_size, window.stride), wanted, maximum=tf.maximum
        )
        if window.lead is None
        else window.lead
        for size, wanted, window in zip(inputs, sizes, piece.requested, strict=True)
    ]
    y = tf.slice(y, tf.stack([0, *leads, 0]), tf.stack([-1, *sizes, -1]))
    return known_shape(y, [x.shape[0], *sizes, piece.filters])


def _pad(x: tf.Tensor, pads: Sequence[tuple[int, int]]) -> tf.Tensor:
    if any(max(pair) > 0 for pair in pads):
        x = tf.pad(x, [(0, 0), *((max(before, 0), max(after, 0)) for before, after in pads), (0, 0)])
    if any(min(pair) < 0 for pair in pads):
        spans = (slice(max(-before, 0), None if after >= 0 else after) for before, after in pads)
        x = x[(slice(None), *spans)]
    return x


def _convolve(piece: Polyphase, x: tf.Tensor) -> tf.Tensor:
    """Stride-1 convolution without padding, as 2-D where it can be."""
    kernel = piece.kernel
    if piece.rank == 1:
        y = _convolve_image(piece, x[:, tf.newaxis], kernel[np.newaxis])
        return tf.squeeze(y, axis=1)
    if piece.rank == 2:
        return _convolve_image(piece, x, kernel)
    return _each_group(piece.groups, lambda x, kernel: tf.nn.conv3d(x, kernel, [1] * 5, "VALID"), x, kernel)


def _convolve_image(piece: Polyphase, x: tf.Tensor, kernel: npt.NDArray[Any]) -> tf.Tensor:
    if piece.depthwise:
        kernel = kernel.reshape([*kernel.shape[:2], piece.groups, -1])
        return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "VALID")
    return _each_group(piece.groups, lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "VALID"), x, kernel)


def _each_group(
    groups: int,
    convolve: Callable[[tf.Tensor, npt.NDArray[Any]], tf.Tensor],
    x: tf.Tensor,
    kernel: npt.NDArray[Any],
) -> tf.Tensor:
    if groups == 1:
        return convolve(x, kernel)
    parts = zip(tf.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True)
    return tf.concat([convolve(*part) for part in parts], axis=-1)


def shuffle(y: tf.Tensor, strides: Sequence[int], filters: int) -> tf.Tensor:
    """Return ``[batch, *(blocks * strides), filters]``; no tensor between has more than six axes.

    Args:
        y: ``[batch, *blocks, prod(strides) * filters]``, the filters innermost.
        strides: Phases of each axis.
        filters: Channels of the result.
    """
    if len(strides) == 2 and strides[0] == strides[1]:
        return y if strides[0] == 1 else tf.nn.depth_to_space(y, strides[0])
    for axis, stride in enumerate(strides, start=1):
        batch, *sizes, _ = partial_shape(y)
        rest = math.prod(strides[axis:]) * filters
        if stride > 1:
            inner = math.prod(sizes[axis:])
            outer = math.prod([batch, *sizes[: axis - 1]])
            y = tf.reshape(y, [outer, sizes[axis - 1], inner, stride, rest])
            y = tf.transpose(y, [0, 1, 3, 2, 4])
            sizes[axis - 1] *= stride
        y = tf.reshape(y, [batch, *sizes, rest])
    return y


def _native(convolution: TransposedConvolution, x: tf.Tensor) -> tf.Tensor:
    """LiteRT's TransposeConv, all of it, and its window."""
    window = convolution.geometry
    kernel = fill_dilated(tf.constant(convolution.kernel), window.dilation_rate)
    batch, *sizes, _ = partial_shape(x)
    full = window.full_sizes(sizes)
    op = tf.nn.conv2d_transpose if window.rank == 2 else tf.nn.conv3d_transpose
    y = op(x, kernel, [batch, *full, convolution.filters], [1, *window.strides, 1], "VALID")
    y = take(y, OutputWindow(window.crops, full))
    return y if convolution.bias is None else tf.nn.bias_add(y, convolution.bias)
