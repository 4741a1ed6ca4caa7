"""PyTorch modules to layers, by their attributes: PyTorch itself is never imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import keras

from tfdeconv import layers
from tfdeconv.convert import equivalents
from tfdeconv.convert.kernels import as_array
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.data_format import is_channels_first

Found = list[keras.layers.Layer]


def from_torch(module: Any, *, data_format: str | None = None) -> keras.layers.Layer:
    """Return the layer that computes what ``module`` computes, with its weights.

    Converted are ConvTranspose, Conv and BatchNorm (1d to 3d), Upsample (nearest and linear modes by
    integer factors), PixelShuffle, MaxUnpool2d, ReLU, LeakyReLU, Sigmoid, Tanh, Identity, Dropout
    (left out), and Sequential of these.

    Args:
        module: A ``torch.nn`` module, or any object whose class has the same name and that has the same
            attributes; ``weight`` and ``bias`` may be arrays.
        data_format: Layout of the returned layer, whatever PyTorch's is: "channels_last" or
            "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        A layer of tfdeconv or Keras, built where the module has weights; for Sequential, and for a
        padded Conv, a ``keras.Sequential`` whose layers carry the modules' names. The result of a
        MaxUnpool2d takes ``[x, switches]``, see ``tfdeconv.convert.switches_from_torch``.

    Raises:
        ConversionError: The module has no exact equivalent; the message says why.

    Example:
        >>> import numpy as np
        >>> class ConvTranspose2d:  # what torch.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1) holds
        ...     weight, bias = np.zeros([8, 3, 4, 4], "float32"), np.zeros([3], "float32")
        ...     stride, padding, output_padding, dilation, groups = (2, 2), (1, 1), (0, 0), (1, 1), 1
        >>> from_torch(ConvTranspose2d())(np.zeros([1, 5, 6, 8], "float32")).shape
        TensorShape([1, 10, 12, 3])

    References:
        PyTorch's documentation of ``torch.nn``; the windows are ``geometry.torch_window``.
    """
    data_format = "channels_first" if is_channels_first(data_format) else "channels_last"
    if type(module).__name__ == "MaxUnpool2d":
        return _max_unpool(module, data_format)
    found = _convert(module, data_format, None)
    if not found:
        return keras.layers.Identity()
    return equivalents.one_layer(found)


def _convert(module: Any, data_format: str, name: str | None) -> Found:
    """The layers of one module; none for a module that does nothing at inference."""
    kind = type(module).__name__
    if hasattr(module, "named_children") and kind == "Sequential":
        return list(_chain(module.named_children(), data_format, name))
    rule = RULES.get(kind)
    if rule is None:
        raise ConversionError(
            f"{_called(module, name)} has no converter. Converted are: Sequential, MaxUnpool2d (on its own), "
            f"{', '.join(RULES)}."
        )
    return rule(module, data_format, name)


def _chain(children: Iterable[tuple[str, Any]], data_format: str, name: str | None) -> Iterable[Any]:
    for child_name, child in children:
        yield from _convert(child, data_format, child_name if name is None else f"{name}.{child_name}")


def _called(module: Any, name: str | None) -> str:
    return type(module).__name__ if name is None else f"Module {name!r} ({type(module).__name__})"


def _zeros_only(module: Any, name: str | None) -> None:
    mode = getattr(module, "padding_mode", "zeros")
    if mode != "zeros":
        raise ConversionError(
            f"{_called(module, name)} has padding_mode={mode!r}; only 'zeros' has an exact layer."
        )


def _optional(value: Any) -> Any:
    return None if value is None else as_array(value)


def _conv_transpose(module: Any, data_format: str, name: str | None) -> Found:
    _zeros_only(module, name)
    weight = as_array(module.weight)
    rank = weight.ndim - 2
    return [
        equivalents.conv_transpose(
            weight,
            _optional(module.bias),
            strides=axis_arguments.per_axis("stride", module.stride, rank),
            padding=axis_arguments.per_axis("padding", module.padding, rank, minimum=0),
            output_padding=axis_arguments.per_axis("output_padding", module.output_padding, rank, minimum=0),
            dilation_rate=axis_arguments.per_axis("dilation", module.dilation, rank),
            groups=module.groups,
            data_format=data_format,
            name=name,
        )
    ]


def _conv(module: Any, data_format: str, name: str | None) -> Found:
    _zeros_only(module, name)
    weight = as_array(module.weight)
    rank = weight.ndim - 2
    pads: Any = module.padding  # "same" pads as TensorFlow does for the stride of 1 that PyTorch demands
    if pads == "valid":
        pads = 0
    if pads != "same":
        pads = [(pad, pad) for pad in axis_arguments.per_axis("padding", pads, rank, minimum=0)]
    return equivalents.convolution(
        weight,
        _optional(module.bias),
        strides=axis_arguments.per_axis("stride", module.stride, rank),
        pads=pads,
        dilation_rate=axis_arguments.per_axis("dilation", module.dilation, rank),
        groups=module.groups,
        data_format=data_format,
        name=name,
    )


def _batch_norm(module: Any, data_format: str, name: str | None) -> Found:
    if module.weight is None or module.running_mean is None:
        raise ConversionError(
            f"{_called(module, name)} must have affine=True and track_running_stats=True to be converted."
        )
    return [
        equivalents.batch_normalization(
            *map(as_array, (module.weight, module.bias, module.running_mean, module.running_var)),
            epsilon=module.eps,
            momentum=1 - (0.1 if module.momentum is None else module.momentum),
            rank=int(type(module).__name__[-2]),
            channels_first=data_format == "channels_first",
            name=name,
        )
    ]


UPSAMPLE_MODES = {"linear": 1, "bilinear": 2, "trilinear": 3}


def _upsample(module: Any, data_format: str, name: str | None) -> Found:
    if module.mode != "nearest" and module.mode not in UPSAMPLE_MODES:
        raise ConversionError(
            f"{_called(module, name)} has mode={module.mode!r}; only 'nearest' and the linear modes have an "
            "exact layer."
        )
    if module.align_corners:
        raise ConversionError(
            f"{_called(module, name)} has align_corners=True, whose scale depends on the input's size; only "
            "align_corners=False has an exact layer."
        )
    scale = module.scale_factor
    scales = scale if isinstance(scale, tuple | list) else (scale,)
    if scale is None or any(factor != int(factor) or factor < 1 for factor in scales):
        raise ConversionError(
            f"{_called(module, name)} needs an integer scale_factor; received scale_factor={scale}, "
            f"size={getattr(module, 'size', None)}."
        )
    rank = UPSAMPLE_MODES.get(module.mode, len(scales) if len(scales) > 1 else 2)
    factors = axis_arguments.per_axis(
        "scale_factor", int(scale) if len(scales) == 1 else map(int, scales), rank
    )
    linear = module.mode != "nearest"
    return [equivalents.upsampling(factors, linear=linear, data_format=data_format, name=name)]


def _pixel_shuffle(module: Any, data_format: str, name: str | None) -> Found:
    return [layers.PixelShuffle2D(module.upscale_factor, order="crd", data_format=data_format, name=name)]


def _max_unpool(module: Any, data_format: str) -> keras.layers.Layer:
    if any(axis_arguments.per_axis("padding", module.padding, 2, minimum=0)):
        raise ConversionError(
            f"MaxUnpool2d has padding={module.padding}; only 0 has an exact layer. Use "
            "tfdeconv.ops.max_unpool with the output's shape."
        )
    return layers.MaxUnpooling2D(
        axis_arguments.per_axis("kernel_size", module.kernel_size, 2),
        axis_arguments.per_axis("stride", module.stride, 2),
        data_format=data_format,
    )


def _nothing(module: Any, data_format: str, name: str | None) -> Found:
    return []


def _activation(
    make: Callable[..., keras.layers.Layer], module: Any, data_format: str, name: str | None
) -> Found:
    return [make(name=name)]


def _leaky_relu(module: Any, data_format: str, name: str | None) -> Found:
    return [keras.layers.LeakyReLU(negative_slope=module.negative_slope, name=name)]


RULES: dict[str, Callable[[Any, str, str | None], Found]] = {
    **{f"ConvTranspose{rank}d": _conv_transpose for rank in (1, 2, 3)},
    **{f"Conv{rank}d": _conv for rank in (1, 2, 3)},
    **{f"BatchNorm{rank}d": _batch_norm for rank in (1, 2, 3)},
    "Upsample": _upsample,
    "PixelShuffle": _pixel_shuffle,
    "ReLU": partial(_activation, keras.layers.ReLU),
    "LeakyReLU": _leaky_relu,
    "Sigmoid": partial(_activation, partial(keras.layers.Activation, "sigmoid")),
    "Tanh": partial(_activation, partial(keras.layers.Activation, "tanh")),
    "Identity": _nothing,
    "Dropout": _nothing,
    "Dropout2d": _nothing,
}
"""Class name in ``torch.nn`` -> converter."""
