"""Caffe's Deconvolution and Crop layers, from their parameters and arrays alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv import layers
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.operators.convolutions import conv_transpose
from tfdeconv.convert.operators.place import Place
from tfdeconv.errors import ConversionError
from tfdeconv.ops.tensors.data_format import standardize_data_format


def from_caffe(
    parameters: Any,
    blobs: Sequence[Any] = (),
    *,
    channels: int | None = None,
    data_format: str | None = None,
) -> keras.layers.Layer:
    """Return the layer for a Caffe ``LayerParameter`` of the type Deconvolution or Crop.

    Args:
        parameters: A mapping (or a message) with Caffe's own field names, for example ``{"type":
            "Deconvolution", "convolution_param": {"num_output": 21, "kernel_size": 64, "stride": 32}}``.
        blobs: The layer's arrays: the weight ``[channels, num_output // group, height, width]`` and the
            bias. Empty: the kernel of ``weight_filler { type: "bilinear" }`` and a bias of 0.
        channels: Channels of the bottom blob; needed only without ``blobs``.
        data_format: Layout of the result, whatever Caffe's is: "channels_last" or "channels_first";
            None: ``keras.config.image_data_format()``.

    Returns:
        A built ``layers.Conv2DTranspose``; or for Crop a ``layers.CropLike`` that is called with
        ``[x, reference]``.

    Raises:
        ConversionError: The layer or its filler has no exact equivalent, or arrays are missing.

    Example:
        >>> deconvolution = {"num_output": 2, "group": 2, "kernel_size": 4, "stride": 2, "bias_term": False,
        ...                  "weight_filler": {"type": "bilinear"}}
        >>> layer = from_caffe({"type": "Deconvolution", "convolution_param": deconvolution}, channels=2)
        >>> layer(np.ones([1, 5, 5, 2], "float32")).shape
        TensorShape([1, 12, 12, 2])

    References:
        Caffe's ``DeconvolutionLayer``, ``CropLayer`` and ``BilinearFiller``; the window is
        ``geometry.torch_window`` with output_padding 0.
    """
    data_format = standardize_data_format(data_format)
    if parameters is None or isinstance(parameters, str | bytes):
        raise ConversionError(
            "parameters must be a LayerParameter or a mapping of its fields; received "
            f"{type(parameters).__name__}."
        )
    kind = _field(parameters, "type", "")
    name = _field(parameters, "name", None) or None
    if kind == "Deconvolution":
        return _deconvolution(_field(parameters, "convolution_param", {}), blobs, channels, data_format, name)
    if kind == "Crop":
        return _crop(_field(parameters, "crop_param", {}), data_format, name)
    raise ConversionError(f"type must be 'Deconvolution' or 'Crop'; received {kind!r}.")


def bilinear_filler(shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the weight that Caffe's BilinearFiller makes: the same kernel in every slice.

    For kernel sizes with an odd number of taps and an even ``ceil(k / 2)`` it is not symmetric, unlike
    ``geometry.linear_kernel``; it is kept as Caffe computes it.

    Args:
        shape: ``[channels, num_output // group, size, size]``.

    Raises:
        ConversionError: The kernel is not square.

    Example:
        >>> bilinear_filler([1, 1, 4, 4])[0, 0, 0].tolist()
        [0.0625, 0.1875, 0.1875, 0.0625]

    References:
        Caffe's ``include/caffe/filler.hpp``.
    """
    height, width = shape[2:]
    if height != width:
        raise ConversionError(f"The bilinear filler needs a square kernel; received {height} x {width}.")
    half = math.ceil(width / 2)
    centre = (2 * half - 1 - half % 2) / (2 * half)
    line = 1 - np.abs(np.arange(width) / half - centre)
    return np.broadcast_to(np.outer(line, line), shape).astype(np.float32)


def _deconvolution(
    parameters: Any, blobs: Sequence[Any], channels: int | None, data_format: str, name: str | None
) -> keras.layers.Layer:
    outputs = _field(parameters, "num_output", None)
    groups = _field(parameters, "group", 1) or 1
    has_bias = _field(parameters, "bias_term", True)
    if not outputs or outputs % groups:
        raise ConversionError(f"num_output must be a multiple of group = {groups}; received {outputs}.")
    kernel_size = _per_axis(parameters, "kernel_size", ("kernel_h", "kernel_w"), None)
    if blobs:
        weight, bias = as_array(blobs[0]), as_array(blobs[1]).ravel() if has_bias else None
    else:
        weight = _filled(parameters, (channels or 0, outputs // groups, *kernel_size))
        bias = np.zeros(outputs, np.float32) if has_bias else None
    if weight.shape[1:] != (outputs // groups, *kernel_size):
        raise ConversionError(
            f"The weight must be [channels, {outputs // groups}, {kernel_size[0]}, {kernel_size[1]}]; "
            f"received shape {weight.shape}."
        )
    (layer,) = conv_transpose(
        Place(data_format, name=name),
        weight,
        bias,
        strides=_per_axis(parameters, "stride", ("stride_h", "stride_w"), 1),
        padding=_per_axis(parameters, "pad", ("pad_h", "pad_w"), 0),
        output_padding=None,
        dilation_rate=_per_axis(parameters, "dilation", (), 1),
        groups=groups,
    )
    return layer


def _filled(parameters: Any, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    filler = _field(_field(parameters, "weight_filler", {}), "type", "constant")
    if filler != "bilinear":
        raise ConversionError(
            f"Without blobs the weight_filler must be 'bilinear'; received {filler!r}. Give the trained "
            "arrays in blobs=[weight, bias]."
        )
    if not shape[0]:
        raise ConversionError("channels must be given where blobs are not; received None.")
    return bilinear_filler(shape)


def _crop(parameters: Any, data_format: str, name: str | None) -> keras.layers.Layer:
    axis = _field(parameters, "axis", 2)
    if axis not in (2, -2):
        raise ConversionError(f"Crop must crop height and width (axis 2); received axis={axis}.")
    offsets = list(_field(parameters, "offset", [])) or [0]
    if len(offsets) not in (1, 2):
        raise ConversionError(f"offset must hold one number, or one for each axis; received {offsets}.")
    return layers.CropLike(offset=tuple((offsets * 2)[:2]), data_format=data_format, name=name)


def _per_axis(parameters: Any, name: str, by_axis: Sequence[str], default: int | None) -> tuple[int, int]:
    """Caffe's repeated field, or its height and width fields."""
    value = _field(parameters, name, [])
    values = [value] if isinstance(value, int) else list(value)
    if not values and any(_field(parameters, axis, 0) for axis in by_axis):
        values = [_field(parameters, axis, 0) for axis in by_axis]
    values = values or ([] if default is None else [default])
    if len(values) not in (1, 2):
        raise ConversionError(f"{name} must hold one or two numbers; received {values}.")
    return values[0], values[-1]


def _field(parameters: Any, name: str, default: Any) -> Any:
    """A field of a mapping or of a protobuf message."""
    if isinstance(parameters, Mapping):
        return parameters.get(name, default)
    return getattr(parameters, name, default)
