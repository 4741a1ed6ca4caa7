"""Functions of PyTorch that become layers, one after another, on a tensor of samples.

The functions here have PyTorch's names and its parameters, behind the place where the layers stand; they
are called with a forward's own arguments, so that a parameter that is not listed is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.operators import activations, convolutions, normalizations, padding, pooling, resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError
from tfdeconv.geometry import axis_arguments

Steps = list[Step]


def constant(tensor: Any, what: str) -> Any:
    """Return the array of a weight.

    Raises:
        ConversionError: It is computed from the input.
    """
    if isinstance(tensor, Value):
        raise ConversionError(f"computes its {what} from the input; only layers with fixed weights convert.")
    return None if tensor is None else as_array(tensor)


def per_axis(name: str, value: Any, rank: int, minimum: int = 1) -> tuple[int, ...]:
    """Return one number for each spatial axis."""
    value = [int(number) for number in value] if isinstance(value, Iterable) else int(value)
    return axis_arguments.per_axis(name, value, rank, minimum=minimum)


def conv(
    place: Place,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Steps:
    """``F.conv1d`` to ``F.conv3d``."""
    weight = constant(weight, "weight")
    rank = weight.ndim - 2
    if padding == "valid":
        padding = 0
    return convolutions.convolution(
        place,
        weight,
        constant(bias, "bias"),
        strides=per_axis("stride", stride, rank),
        # "same" pads as TensorFlow does for the stride of 1 that PyTorch demands
        pads="same" if padding == "same" else [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        dilation_rate=per_axis("dilation", dilation, rank),
        groups=int(groups),
    )


def conv_transpose(
    place: Place,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Steps:
    """``F.conv_transpose1d`` to ``F.conv_transpose3d``."""
    weight = constant(weight, "weight")
    rank = weight.ndim - 2
    return convolutions.conv_transpose(
        place,
        weight,
        constant(bias, "bias"),
        strides=per_axis("stride", stride, rank),
        padding=per_axis("padding", padding, rank, minimum=0),
        output_padding=per_axis("output_padding", output_padding, rank, minimum=0),
        dilation_rate=per_axis("dilation", dilation, rank),
        groups=int(groups),
    )


def convolution(
    place: Place,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Steps:
    """``aten::convolution``, both kinds in one."""
    if transposed:
        return conv_transpose(place, weight, bias, stride, padding, output_padding, groups, dilation)
    return conv(place, weight, bias, stride, padding, dilation, groups)


def batch_norm(
    place: Place,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Steps:
    """``F.batch_norm`` with the statistics that were gathered."""
    if training or running_mean is None:
        raise ConversionError(
            "normalises by the statistics of each batch (batch_norm); only those that were gathered "
            "(track_running_stats=True) make an exact layer."
        )
    return normalizations.batch_normalization(
        place,
        constant(weight, "weight"),
        constant(bias, "bias"),
        constant(running_mean, "mean"),
        constant(running_var, "variance"),
        epsilon=eps,
        momentum=1 - (0.1 if momentum is None else momentum),
    )


def instance_norm(
    place: Place,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
    *,
    channels: int | None = None,
) -> Steps:
    """``F.instance_norm``."""
    if not use_input_stats:
        return batch_norm(place, running_mean, running_var, weight, bias, momentum=momentum, eps=eps)
    scale = constant(weight, "weight")
    channels = channels if scale is None else len(scale)
    if channels is None:
        raise ConversionError("needs a known number of channels; give input_shape=.")
    return normalizations.group_normalization(
        place, channels, scale, constant(bias, "bias"), channels=channels, epsilon=eps
    )


def group_norm(
    place: Place,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
    *,
    channels: int | None = None,
) -> Steps:
    """``F.group_norm``."""
    scale = constant(weight, "weight")
    channels = channels if scale is None else len(scale)
    if channels is None:
        raise ConversionError("needs a known number of channels; give input_shape=.")
    return normalizations.group_normalization(
        place, num_groups, scale, constant(bias, "bias"), channels=channels, epsilon=eps
    )


def prelu(place: Place, weight: Any) -> Steps:
    """``F.prelu``."""
    return activations.prelu(place, constant(weight, "weight"))


def leaky_relu(place: Place, negative_slope: float = 0.01, inplace: bool = False) -> Steps:
    """``F.leaky_relu``."""
    return activations.leaky_relu(place, negative_slope)


def relu(place: Place, inplace: bool = False) -> Steps:
    """``F.relu``."""
    return activations.relu(place)


def relu6(place: Place, inplace: bool = False) -> Steps:
    """``F.relu6``."""
    return activations.relu(place, 6.0)


def hardtanh(place: Place, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Steps:
    """``F.hardtanh``, and ``F.relu6``."""
    return activations.clip(place, min_val, max_val)


def clamp(place: Place, min: float | None = None, max: float | None = None) -> Steps:
    """``torch.clamp`` by numbers."""
    if isinstance(min, Value) or isinstance(max, Value):
        raise ConversionError("calls clamp with tensors; only numbers have a layer.")
    return activations.clip(place, _number(min), _number(max))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def elu(
    place: Place, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0, inplace: bool = False
) -> Steps:
    """``F.elu``; scale and input_scale are ``aten::elu``'s."""
    if (scale, input_scale) != (1, 1):
        raise ConversionError(
            f"calls elu with scale={scale} and input_scale={input_scale}; only 1 has a layer."
        )
    return activations.elu(place, alpha)


def celu(place: Place, alpha: float = 1.0, inplace: bool = False) -> Steps:
    """``F.celu``."""
    return [lambda x: keras.ops.celu(x, alpha=alpha)]


def gelu(place: Place, approximate: str = "none") -> Steps:
    """``F.gelu``."""
    return activations.gelu(place, approximate)


def softplus(place: Place, beta: float = 1.0, threshold: float = 20.0) -> Steps:
    """``F.softplus``; above the threshold, which saves an exponential, both are x in float32."""
    if threshold < 15:
        raise ConversionError(
            f"calls softplus with threshold={threshold}, below which it is no softplus any more."
        )
    return activations.softplus(place, beta)


def threshold(place: Place, threshold: float, value: float, inplace: bool = False) -> Steps:
    """``F.threshold``."""
    return [lambda x: keras.ops.where(x > threshold, x, value)]


def _named(keras_name: str) -> Callable[..., Steps]:
    def function(place: Place, inplace: bool = False) -> Steps:
        return activations.named(place, keras_name)

    return function


PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def max_pool(
    place: Place,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Steps:
    """``F.max_pool1d`` to ``F.max_pool3d``."""
    rank = place.known_rank()
    window = per_axis("kernel_size", kernel_size, rank)
    return pooling.max_pool(
        place,
        window,
        per_axis("stride", stride, rank) if stride is not None and stride != [] else window,
        [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        dilation_rate=per_axis("dilation", dilation, rank),
        ceil_mode=ceil_mode,
    )


def avg_pool(
    place: Place,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Steps:
    """``F.avg_pool1d`` to ``F.avg_pool3d``."""
    if divisor_override is not None:
        raise ConversionError(f"has divisor_override={divisor_override}; only None has a layer.")
    rank = place.known_rank()
    window = per_axis("kernel_size", kernel_size, rank)
    return pooling.average_pool(
        place,
        window,
        per_axis("stride", stride, rank) if stride is not None and stride != [] else window,
        [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


def adaptive_avg_pool(place: Place, output_size: Any) -> Steps:
    """``F.adaptive_avg_pool1d`` to ``F.adaptive_avg_pool3d``."""
    return pooling.adaptive_pool(place, "average", _output_sizes(place, output_size))


def adaptive_max_pool(place: Place, output_size: Any, return_indices: bool = False) -> Steps:
    """``F.adaptive_max_pool1d`` to ``F.adaptive_max_pool3d``."""
    if return_indices:
        raise ConversionError("has return_indices=True, which has no layer for adaptive pooling.")
    return pooling.adaptive_pool(place, "max", _output_sizes(place, output_size))


def _output_sizes(place: Place, output_size: Any) -> Sequence[int | None]:
    rank = place.known_rank()
    return list(output_size) if isinstance(output_size, list | tuple) else [output_size] * rank


def pixel_shuffle(place: Place, upscale_factor: int) -> Steps:
    """``F.pixel_shuffle``."""
    return resizing.pixel_shuffle(place, upscale_factor, "crd")


def pixel_unshuffle(place: Place, downscale_factor: int) -> Steps:
    """``F.pixel_unshuffle``."""
    return resizing.pixel_unshuffle(place, downscale_factor, "crd")


def pad_with(place: Place, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Steps:
    """``F.pad`` of the spatial axes: pairs from the last axis to the first."""
    pairs = [(int(pad[at]), int(pad[at + 1])) for at in range(0, len(pad), 2)][::-1]
    if mode not in PAD_MODES:
        raise ConversionError(f"pads by mode={mode!r}; known are {', '.join(PAD_MODES)}.")
    around = [(0, 0)] * (place.known_rank() - len(pairs)) + pairs
    return padding.pad(place, around, PAD_MODES[mode], value or 0.0)


LINEAR_MODES = {"linear": 1, "bilinear": 2, "trilinear": 3}
NEAREST_MODES = ("nearest", "nearest-exact")


def interpolate(
    place: Place,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    *,
    factors: Sequence[Any] | None = None,
) -> Steps:
    """``F.interpolate``; ``factors`` are the whole factors that ``size`` stands for where they are known."""
    rank = place.known_rank()
    if mode not in (*NEAREST_MODES, *LINEAR_MODES) or LINEAR_MODES.get(mode, rank) != rank or antialias:
        raise ConversionError(
            f"has mode={mode!r} and antialias={antialias} on {rank} spatial axes; only 'nearest', "
            "'nearest-exact' and the linear mode of that rank without antialias have an exact layer."
        )
    linear = mode in LINEAR_MODES
    if scale_factor is not None:
        given = list(scale_factor) if isinstance(scale_factor, Iterable) else [scale_factor] * rank
        factors = [float(factor) for factor in given]
        if len(factors) != rank:
            raise ConversionError(
                f"has scale_factor={scale_factor}; it must hold one number, or one for each of {rank} "
                "spatial axes."
            )
    whole = factors is not None and all(factor >= 1 and factor == int(factor) for factor in factors)
    if factors is not None and whole and not align_corners:
        return resizing.upsampling(place, [int(factor) for factor in factors], linear=linear)
    return _resample(place, size, factors, mode, bool(align_corners), bool(recompute_scale_factor))


def _resample(
    place: Place, size: Any, factors: Sequence[float] | None, mode: str, align_corners: bool, recompute: bool
) -> Steps:
    """Interpolation by other than whole factors, between sizes that are known.

    References:
        ``aten/src/ATen/native/UpSample.h``: ``area_pixel_compute_scale`` and ``..._source_index``.
    """
    rank = place.known_rank()
    if any(place.sizes is None or place.sizes[axis] is None for axis in range(rank)):
        raise ConversionError(
            f"has mode={mode!r}, size={size}, scale_factor={factors} and align_corners="
            f"{align_corners}, which depends on the input's size unless the factors are whole numbers and "
            "align_corners is False; give input_shape=."
        )
    known = [place.size(axis) for axis in range(rank)]
    if factors is not None:
        sizes = [int(np.floor(known[axis] * factors[axis])) for axis in range(rank)]
    else:
        sizes = [int(one) for one in size] if isinstance(size, Iterable) else [int(size)] * rank
    coordinates = []
    for axis, (out, into) in enumerate(zip(sizes, known, strict=True)):
        at = np.arange(out, dtype=np.float32)
        scale = np.float32(into / out if factors is None or recompute else 1 / factors[axis])
        if mode == "nearest":
            coordinates.append(np.floor(at * scale))
        elif mode == "nearest-exact":
            coordinates.append(np.floor((at + np.float32(0.5)) * scale))
        elif align_corners:
            coordinates.append(at * np.float64((into - 1) / (out - 1) if out > 1 else 0.0))
        else:
            coordinates.append((at + 0.5) * np.float64(scale) - 0.5)
    if mode in NEAREST_MODES:
        picks = [np.minimum(at.astype(int), into - 1) for at, into in zip(coordinates, known, strict=True)]
        return resizing.pick(place, picks)
    return resizing.resample(place, coordinates, known)


RANKS = (1, 2, 3)

FUNCTIONS: dict[str, Callable[..., Steps]] = {
    **{f"conv{rank}d": conv for rank in RANKS},
    **{f"conv_transpose{rank}d": conv_transpose for rank in RANKS},
    "convolution": convolution,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "prelu": prelu,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "hardtanh": hardtanh,
    "clamp": clamp,
    "clip": clamp,
    "elu": elu,
    "celu": celu,
    "gelu": gelu,
    "softplus": softplus,
    "threshold": threshold,
    **{name: _named(keras_name) for name, keras_name in activations.NAMED.items()},
    **{f"max_pool{rank}d": max_pool for rank in RANKS},
    **{f"avg_pool{rank}d": avg_pool for rank in RANKS},
    **{f"adaptive_avg_pool{rank}d": adaptive_avg_pool for rank in RANKS},
    **{f"adaptive_max_pool{rank}d": adaptive_max_pool for rank in RANKS},
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "interpolate": interpolate,
}
"""PyTorch's name -> the steps of a function of one tensor of samples."""
