"""PyTorch's interpolation and pixel shuffles, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size
from tfdeconv.convert.graph.values import Value
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
RESIZE_MODES = {**dict.fromkeys(LINEAR_MODES, "linear"), "bicubic": "cubic"}


def interpolate_by(
    place: Place,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Steps:
    """``nn.Upsample`` by whole factors, of a module that is only known by its attributes."""
    _check_mode(place, mode)
    factors = None if scale_factor is None else _factors(place, scale_factor)
    if factors is None or not _repeats(factors, mode, align_corners):
        raise ConversionError(
            f"has mode={mode!r}, size={size}, scale_factor={scale_factor} and align_corners={align_corners}; "
            "a layer on its own takes whole factors, align_corners=False and the modes nearest and linear."
        )
    return resizing.upsampling(place, [int(factor) for factor in factors], linear=mode in LINEAR_MODES)


def _check_mode(place: Place, mode: str) -> None:
    rank = place.known_rank()
    if MODES.get(mode, rank) != rank or mode not in (*MODES, *NEAREST_MODES, "area"):
        raise ConversionError(
            f"has mode={mode!r} on {rank} spatial axes; known are 'nearest', 'nearest-exact', 'area', "
            "'linear' of one axis, 'bilinear' and 'bicubic' of two and 'trilinear' of three."
        )


def _factors(place: Place, scale_factor: Any) -> list[float]:
    rank = place.known_rank()
    given = list(scale_factor) if isinstance(scale_factor, Iterable) else [scale_factor] * rank
    if len(given) != rank:
        raise ConversionError(
            f"has scale_factor={scale_factor}; it must hold one number, or one for each of {rank} spatial "
            "axes."
        )
    return [float(factor) for factor in given]


def _repeats(factors: Sequence[float], mode: str, align_corners: Any) -> bool:
    """Whether one of our layers by whole factors does the same."""
    whole = all(factor >= 1 and factor == int(factor) for factor in factors)
    return whole and not align_corners and mode in (*LINEAR_MODES, *NEAREST_MODES)


def interpolate(
    name: Named,
    input: Value,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Value:
    """``F.interpolate``, to sizes or by factors."""
    place = input.place(name)
    _check_mode(place, mode)
    sizes = None
    if size is not None:
        sizes = list(size) if isinstance(size, list | tuple) else [size] * (input.rank - 2)
        found = [_factor(one, input, axis) for axis, one in enumerate(sizes, start=2)]
        factors = None if None in found else found
    else:
        factors = _factors(place, scale_factor)
    if factors is not None and not antialias and _repeats(factors, mode, align_corners):
        steps = resizing.upsampling(place, [int(factor) for factor in factors], linear=mode in LINEAR_MODES)
        return input.through(steps)
    return by_size.resize(
        input,
        sizes,
        RESIZE_MODES.get(mode, mode),
        factors if sizes is None else None,
        coordinates="align_corners" if align_corners else "half_pixel",
        antialias=antialias,
        recompute_scale_factor=bool(recompute_scale_factor),
        name=name,
    )


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
