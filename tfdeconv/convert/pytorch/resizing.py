"""PyTorch's interpolation and pixel shuffles, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tfdeconv.convert.graph.values import UnknownSize, Value
from tfdeconv.convert.operators import resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

Steps = list[Step]
Named = str | None


def pixel_shuffle(place: Place, upscale_factor: int) -> Steps:
    """``F.pixel_shuffle``."""
    return resizing.pixel_shuffle(place, upscale_factor, "crd")


def pixel_unshuffle(place: Place, downscale_factor: int) -> Steps:
    """``F.pixel_unshuffle``."""
    return resizing.pixel_unshuffle(place, downscale_factor, "crd")


LINEAR_MODES = {"linear": 1, "bilinear": 2, "trilinear": 3}
MODES = {**LINEAR_MODES, "bicubic": 2}
NEAREST_MODES = ("nearest", "nearest-exact")


def interpolate_by(
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
    if MODES.get(mode, rank) != rank or mode not in (*MODES, *NEAREST_MODES, "area"):
        raise ConversionError(
            f"has mode={mode!r} on {rank} spatial axes; known are 'nearest', 'nearest-exact', 'area', "
            "'linear' of one axis, 'bilinear' and 'bicubic' of two and 'trilinear' of three."
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
    if factors is not None and whole and not (align_corners or antialias) and mode not in ("area", "bicubic"):
        return resizing.upsampling(place, [int(factor) for factor in factors], linear=linear)
    return _resample(place, size, factors, mode, bool(align_corners), bool(recompute_scale_factor), antialias)


def _resample(
    place: Place,
    size: Any,
    factors: Sequence[float] | None,
    mode: str,
    align_corners: bool,
    recompute: bool,
    antialias: bool,
) -> Steps:
    """Interpolation by other than whole factors, between sizes that are known.

    References:
        ``aten/src/ATen/native/UpSample.h``: ``area_pixel_compute_scale`` and ``..._source_index``.
    """
    rank = place.known_rank()
    if any(place.sizes is None or place.sizes[axis] is None for axis in range(rank)):
        raise ConversionError(
            f"has mode={mode!r}, size={size}, scale_factor={factors} and align_corners="
            f"{align_corners}, which depends on the input's size unless the factors are whole numbers, "
            "align_corners is False and the mode nearest or linear; give input_shape=."
        )
    known = [place.size(axis) for axis in range(rank)]
    if factors is not None:
        sizes = [int(np.floor(known[axis] * factors[axis])) for axis in range(rank)]
    else:
        sizes = [int(one) for one in size] if isinstance(size, Iterable) else [int(size)] * rank
    scales = [
        np.float32(into / out if factors is None or recompute else 1 / factors[axis])
        for axis, (out, into) in enumerate(zip(sizes, known, strict=True))
    ]
    axes = list(zip(sizes, known, scales, strict=True))
    if mode in NEAREST_MODES:
        shift = np.float32(0.5 if mode == "nearest-exact" else 0)
        places = [np.floor((np.arange(out, dtype=np.float32) + shift) * scale) for out, _, scale in axes]
        picks = [np.minimum(at.astype(int), into - 1) for at, into in zip(places, known, strict=True)]
        return resizing.pick(place, picks)
    return resizing.by_matrices(
        place, [_matrix(out, into, float(scale), mode, align_corners, antialias) for out, into, scale in axes]
    )


def _matrix(out: int, into: int, scale: float, mode: str, align_corners: bool, antialias: bool) -> Any:
    """The matrix ``[out, into]`` of one axis."""
    if mode == "area":
        return resizing.area_matrix(out, into)
    if align_corners:
        scale = (into - 1) / (out - 1) if out > 1 else 0.0
    if antialias:
        return resizing.antialiased_matrix(out, into, scale, cubic=mode == "bicubic")
    at = np.arange(out) * scale if align_corners else (np.arange(out) + 0.5) * scale - 0.5
    return resizing.cubic_matrix(at, into) if mode == "bicubic" else resizing.linear_matrix(at, into)


def interpolate(
    name: Named,
    input: Value,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    **options: Any,
) -> Value:
    """``F.interpolate``, to sizes or by factors."""
    place = input.place(name)
    factors = None
    if size is not None:
        sizes = list(size) if isinstance(size, list | tuple) else [size] * (input.rank - 2)
        factors = [_factor(one, input, axis) for axis, one in enumerate(sizes, start=2)]
        size = sizes
        if None in factors:
            factors = None
    return input.through(interpolate_by(place, size, scale_factor, mode, **options, factors=factors))


def _factor(size: Any, value: Value, axis: int) -> Any:
    """The whole factor between a size and that of an axis; None where there is none."""
    if isinstance(size, UnknownSize):
        return size.multiple_of(value, axis)
    known = value.static_shape[axis]
    return size // known if known and size % known == 0 else None


def upsample_vec(mode: str) -> Callable[..., Value]:
    """``aten::upsample_*.vec``: sizes or factors in lists."""

    def function(
        name: Named,
        input: Value,
        output_size: Any,
        *,
        scale_factors: Any = None,
        align_corners: bool = False,
        scales: Any = None,
        scales_h: Any = None,
        scales_w: Any = None,
        scales_d: Any = None,
    ) -> Value:
        factor = scale_factors if output_size is None else None
        return interpolate(name, input, output_size, factor, mode, align_corners=align_corners)

    return function


STEPS: dict[str, Callable[..., Steps]] = {"pixel_shuffle": pixel_shuffle, "pixel_unshuffle": pixel_unshuffle}
"""PyTorch's name -> the steps of a function of one tensor of samples."""

VALUES: dict[str, Callable[..., Any]] = {
    "interpolate": interpolate,
    "upsample_nearest": upsample_vec("nearest"),
    **{f"upsample_nearest{rank}d": upsample_vec("nearest") for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": upsample_vec("nearest-exact") for rank in (1, 2, 3)},
    "upsample_bicubic2d": upsample_vec("bicubic"),
    "upsample_linear1d": upsample_vec("linear"),
    "upsample_bilinear2d": upsample_vec("bilinear"),
    "upsample_trilinear3d": upsample_vec("trilinear"),
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
