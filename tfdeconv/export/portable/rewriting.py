"""Which layers become what before a model leaves TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import numpy as np

from tfdeconv import layers
from tfdeconv.errors import ExportError
from tfdeconv.export.portable.graph import Call, Operation, operations
from tfdeconv.export.portable.polyphase import (
    Polyphase,
    RequestedWindow,
    interpolation,
    learned_interpolation,
    polyphase,
)
from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.inference.folding import fold
from tfdeconv.inference.fusible_convolution import fusible_convolution, is_known
from tfdeconv.inference.rewrite import foldable_pairs
from tfdeconv.keras_reading import TransposedConvolution

Lowering = Literal["subpixel", "gradient"]

Piece = Polyphase | TransposedConvolution
"""What replaces a layer, or a part of it; a transposed convolution stays one where it is asked for."""


@dataclass
class Rewriting:
    """What becomes of the layers of a model.

    Attributes:
        pieces: id of a layer -> what to compute in its place, one after the other; nothing for a layer
            that is part of the one in front of it.
        names: Path of a rewritten layer -> what was done, in words.
        absorbing: ids of the layers that compute the layer behind them too.
    """

    pieces: dict[int, tuple[Piece, ...]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    absorbing: set[int] = field(default_factory=set)

    def of(self, call: Call) -> tuple[Piece, ...] | None:
        """Return what replaces the called layer; None where it stays."""
        return self.pieces.get(id(call.operation))


def rewrite(model: keras.Model, lowering: Lowering) -> Rewriting:
    """Decide what becomes of every upsampling layer of the functional ``model``.

    Raises:
        ExportError: A layer cannot be expressed; the message names it.

    Example:
        >>> image = keras.Input([None, None, 3])
        >>> model = keras.Model(image, layers.Conv2DTranspose(2, 4, 2, "same", name="up")(image))
        >>> rewrite(model, "subpixel").names
        {'up': 'Conv2DTranspose -> convolution, depth to space, crop'}
    """
    rewriting = Rewriting()
    for found in operations(model):
        layer = found.operation
        if not isinstance(layer, keras.Layer):
            continue
        if layer.weights and layer.compute_dtype != "float32":
            raise ExportError(
                f"Layer {found.path!r} computes in {layer.compute_dtype}; a model to export computes in "
                "float32. Build it with dtype='float32' and copy the weights; precision= makes files smaller."
            )
        try:
            _rewrite_layer(found, lowering, rewriting)
        except _NotExpressibleError as error:
            raise ExportError(f"Layer {found.path!r} ({type(layer).__name__}) {error}") from None
    return rewriting


class _NotExpressibleError(Exception):
    """Why a layer cannot be rewritten; the sentence's subject is the layer."""


def _rewrite_layer(found: Operation, lowering: Lowering, rewriting: Rewriting) -> None:
    layer, absorbed = found.operation, ""
    if is_known(layer):
        requested = {_requests_size(node) for node in found.nodes}
        if len(requested) > 1:
            raise _NotExpressibleError(
                "is called with and without output_shape or like. Use one layer for each."
            )
        normalization = None if requested == {True} else foldable_pairs(found.owner).get(id(layer))
        pieces = _transposed(layer, requested == {True}, normalization, lowering)
        if normalization is not None:
            rewriting.pieces[id(normalization)] = ()
            rewriting.absorbing.add(id(layer))
            absorbed = f", absorbs {normalization.name}"
    elif type(layer) in _UPSAMPLING:
        pieces = _UPSAMPLING[type(layer)](found)
    else:
        return
    if pieces:
        rewriting.pieces[id(layer)] = pieces
        what = ", ".join(map(_words, pieces))
        rewriting.names[found.path] = f"{type(layer).__name__} -> {what}{absorbed}"


def _requests_size(node: Any) -> bool:
    arguments = node.arguments
    return len(arguments.args) > 1 or any(
        arguments.kwargs.get(name) is not None for name in ("output_shape", "like")
    )


def _words(piece: Piece) -> str:
    if isinstance(piece, TransposedConvolution):
        return "transposed convolution, crop"
    words = ["depthwise convolution" if piece.depthwise else "convolution"]
    if piece.repeat_border:
        words.insert(0, "repeated border")
    if piece.phases > 1:
        words.append("depth to space")
    if piece.requested or any(map(any, piece.crops)):
        words.append("crop")
    return ", ".join(words)


def _transposed(
    layer: keras.Layer, requested: bool, normalization: Any, lowering: Lowering
) -> tuple[Piece, ...]:
    convolution = fusible_convolution(layer)
    if convolution is None and isinstance(layer, layers.ResizeConv2D):
        return _resize_convolution(layer)
    if convolution is None:
        raise _NotExpressibleError(
            "has an activation with weights of its own. Put the activation behind it as a layer."
        )
    if normalization is not None:
        convolution = fold(convolution, normalization)
    if lowering == "gradient" and not requested:
        return (convolution,)
    geometry, windows = convolution.geometry, None
    if requested:  # cover every size that may be asked for, and take the window at run time
        windows = _requested_windows(geometry)
        geometry = geometry.with_crops((0, 1 - stride) for stride in geometry.strides)
    return (
        polyphase(
            convolution.kernel,
            convolution.bias,
            strides=geometry.strides,
            dilation_rate=geometry.dilation_rate,
            groups=convolution.groups,
            crops=geometry.crops,
            data_format=convolution.data_format,
            activation=convolution.activation,
            requested=windows,
        ),
    )


def _requested_windows(geometry: ConvTransposeGeometry) -> tuple[RequestedWindow, ...]:
    axes = zip(
        geometry.effective_kernel_size, geometry.strides, geometry.padding, geometry.crops, strict=True
    )
    return tuple(
        RequestedWindow(size, stride, None if padding == "same" else before if padding != "valid" else 0)
        for size, stride, padding, (before, _) in axes
    )


def _stride_one(layer: Any, *, strides: tuple[int, ...], kernel: Any, bias: Any) -> Polyphase:
    """The convolution of an upsampling layer, and its shuffle where ``strides`` are above 1."""
    sizes = layer.kernel_size
    same = layer.padding == "same"
    pads = tuple(((taps - 1) // 2, taps // 2) if same else (0, 0) for taps in sizes)
    none = ((0, 0),) * len(sizes)
    return Polyphase(kernel, bias, 1, pads, strides, none, layer.data_format, layer.activation)


def _resize_convolution(layer: layers.ResizeConv2D) -> tuple[Piece, ...]:
    channels = layer.kernel.shape[2]
    return (
        interpolation(layer.factor, channels=channels, reduction=1, edge=True, data_format=layer.data_format),
        _stride_one(layer, strides=(1, 1), kernel=_array(layer.kernel), bias=_array(layer.bias)),
    )


def _linear(found: Operation) -> tuple[Piece, ...]:
    layer = found.operation
    if layer.kernel is None:
        return _interpolation(found, layer.factor, edge=layer.boundary == "edge")
    kernel = _array(layer.kernel)
    return (
        learned_interpolation(
            kernel,
            layer.factor,
            groups=kernel.shape[-1],
            edge=layer.boundary == "edge",
            data_format=layer.data_format,
        ),
    )


def _additive(found: Operation) -> tuple[Piece, ...]:
    layer = found.operation
    return _interpolation(found, layer.factor, edge=layer.boundary == "edge", reduction=layer.reduction)


def _subpixel(found: Operation) -> tuple[Piece, ...]:
    layer = found.operation
    kernel, bias = _array(layer.kernel), _array(layer.bias)
    if layer.order == "crd":  # the channels of the convolution in the other order
        order = np.arange(kernel.shape[-1]).reshape(-1, math.prod(layer.factor)).T.ravel()
        kernel, bias = kernel[..., order], None if bias is None else bias[order]
    return (_stride_one(layer, strides=tuple(layer.factor), kernel=kernel, bias=bias),)


def _keras_upsampling(found: Operation) -> tuple[Piece, ...]:
    layer = found.operation
    if layer.interpolation != "bilinear":
        return ()  # no arithmetic: stays
    return _interpolation(found, layer.size, edge=True)


def _interpolation(found: Operation, factors: Any, *, edge: bool, reduction: int = 1) -> tuple[Piece, ...]:
    data_format = found.operation.data_format
    axis = 1 if data_format == "channels_first" else -1
    channels = {node.input_tensors[0].shape[axis] for node in found.nodes}
    if len(channels) != 1 or None in channels:
        raise _NotExpressibleError(
            f"reads {' or '.join(map(str, channels))} channels; the file needs one known number. Give it in "
            "keras.Input(shape=...)."
        )
    return (
        interpolation(
            factors, channels=channels.pop(), reduction=reduction, edge=edge, data_format=data_format
        ),
    )


_UPSAMPLING: dict[type, Callable[[Operation], tuple[Piece, ...]]] = {
    layers.LinearUpsampling1D: _linear,
    layers.BilinearUpsampling2D: _linear,
    layers.TrilinearUpsampling3D: _linear,
    layers.BilinearAdditiveUpsampling2D: _additive,
    layers.SubpixelConv2D: _subpixel,
    keras.layers.UpSampling2D: _keras_upsampling,
}
"""Upsampling layers that are no transposed convolutions by themselves."""


def _array(weight: Any) -> Any:
    return None if weight is None else keras.ops.convert_to_numpy(weight)
