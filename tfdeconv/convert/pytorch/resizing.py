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
    "upsample_linear1d": upsample_vec("linear"),
    "upsample_bilinear2d": upsample_vec("bilinear"),
    "upsample_trilinear3d": upsample_vec("trilinear"),
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
