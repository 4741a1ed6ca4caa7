"""ONNX's Resize and Upsample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size
from tfdeconv.convert.graph.values import Value, value_of_image
from tfdeconv.convert.onnx.arguments import only, optional
from tfdeconv.convert.onnx.shapes import same_size
from tfdeconv.convert.operators import resampling, resizing
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.errors import ConversionError

HALF_PIXEL = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
"""Coordinate transformations that are one and the same for integer factors above 1."""

ROUNDING: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: math.floor(x + Fraction(1, 2)),
    "floor": math.floor,
    "ceil": math.ceil,
}


HALF = np.float32(0.5)
Array = npt.NDArray[np.float32]
Steps = list[Step]


class Wanted(NamedTuple):
    """What a node resizes to, and how.

    Attributes:
        scales: The input of that name.
        sizes: The input of that name, which may hold sizes that are unknown.
        axes: The axes that the two tell of; None: all.
        mode: "nearest", "linear" or "cubic".
        convention: How coordinates are transformed.
        rounding: How nearest rounds them.
        coefficient: That of cubic.
        exclude_outside: Whether cubic leaves out what lies outside.
    """

    scales: Any
    sizes: Any
    axes: Sequence[int] | None
    mode: str
    convention: str
    rounding: str
    coefficient: float = -0.75
    exclude_outside: bool = False

    @property
    def by_scale(self) -> bool:
        """Whether scales tell, and not sizes."""
        return self.scales is not None and np.size(self.scales) > 0


def resize(
    place: Place,
    *inputs: Any,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
    opset: int = 13,
    source: Value | None = None,
) -> Steps:
    """Resize with the inputs roi, scales and sizes; scales alone in opset 10.

    The region of interest is read by tf_crop_and_resize only, exclude_outside and cubic_coeff_a by cubic.
    """
    only("antialias", antialias, 0)
    only("keep_aspect_ratio_policy", keep_aspect_ratio_policy, "stretch")
    if opset < 11:
        scales, sizes = (*inputs, None)[0], None
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
    else:
        _, scales, sizes = (*inputs, None, None, None)[:3]
    wanted = Wanted(
        scales,
        sizes,
        axes,
        mode,
        coordinate_transformation_mode,
        nearest_mode,
        cubic_coeff_a,
        bool(exclude_outside),
    )
    return _resized(place, wanted, source)


def upsample(
    place: Place,
    given: Any = None,
    /,
    *,
    mode: str = "nearest",
    scales: Any = None,
    opset: int = 9,
    source: Value | None = None,
) -> Steps:
    """Upsample of opset 9 (scales as an input) and 7 (as an attribute)."""
    if given is None and scales is not None:
        given = np.asarray(scales, np.float32)
    return _resized(place, Wanted(given, None, None, mode, "asymmetric", "floor"), source)


def _resized(place: Place, wanted: Wanted, source: Value | None) -> Steps:
    free = _by_size(place, wanted, source)
    if free is not None:
        return free
    mode, convention, rounding = wanted.mode, wanted.convention, wanted.rounding
    factors = _factors(place, wanted, source)
    whole = all(factor.denominator == 1 and factor >= 1 for factor in factors)
    linear = mode in ("linear", "bilinear") and convention in HALF_PIXEL
    repeats = mode == "nearest" and whole and all(_repeats(int(f), convention, rounding) for f in factors)
    if all(factor == 1 for factor in factors):
        return []
    if whole and (linear or repeats):
        return resizing.upsampling(place, [int(factor) for factor in factors], linear=linear)
    known = convention in COORDINATES and (
        mode in ("linear", "cubic") or (mode == "nearest" and rounding in ROUNDING)
    )
    if known and place.sizes is not None and None not in place.sizes:
        return _between_known_sizes(place, factors, wanted)
    raise ConversionError(
        f"has mode={mode!r}, coordinate_transformation_mode={convention!r} and nearest_mode={rounding!r} "
        f"with factors {', '.join(map(str, factors))}, which has no exact layer. Linear with half_pixel by "
        "whole factors has one, and nearest where every sample is repeated; others where the input's "
        "sizes are fixed."
    )


LAYER_MODES = {
    ("linear", "half_pixel"): "linear",
    ("linear", "pytorch_half_pixel"): "linear",
    ("linear", "asymmetric"): "linear",
    ("linear", "align_corners"): "linear",
    ("cubic", "half_pixel"): "cubic",
    ("cubic", "pytorch_half_pixel"): "cubic",
    ("cubic", "align_corners"): "cubic",
    ("nearest", "asymmetric", "floor"): "nearest",
}
"""Mode and coordinates (and rounding) -> the mode of the layer that resizes to sizes that are unknown."""


def _by_size(place: Place, wanted: Wanted, source: Value | None) -> Steps | None:
    """Resizing to sizes that are unknown; None where they are known, or whole multiples of the input's."""
    mode, convention, by_scale, axes = wanted.mode, wanted.convention, wanted.by_scale, wanted.axes
    layer_mode = LAYER_MODES.get(
        (mode, convention, wanted.rounding) if mode == "nearest" else (mode, convention)
    )
    listed = np.ravel(np.asarray(wanted.scales if by_scale else wanted.sizes, object)).tolist()
    if (
        source is None
        or layer_mode is None
        or (wanted.coefficient, wanted.exclude_outside) != (-0.75, False)
        or (None not in source.static_shape[2:] and (by_scale or not by_size.any_unknown(listed)))
        or (by_scale and mode == "nearest")
    ):
        return None
    given: list[Any] = [1.0] * source.rank if by_scale else list(source.shape)
    for axis, number in zip(range(len(listed)) if axes is None else axes, listed, strict=True):
        given[axis % source.rank] = number
    if by_scale:
        whole = all(float(number).is_integer() for number in given)
    else:
        whole = all(
            isinstance(size, UnknownSize)
            and (size.multiple_of(source, axis) or Fraction(1, 2)).denominator == 1
            for axis, size in enumerate(given[2:], start=2)
        )
    repeated = (mode == "linear" and convention in HALF_PIXEL) or mode == "nearest"
    if whole and repeated:
        return None
    keeps = (
        [given[0] == 1, given[1] == 1]
        if by_scale
        else [same_size(given[axis], source, axis) for axis in (0, 1)]
    )
    if not all(keeps):
        return None
    return [
        lambda image: (
            by_size.resize(
                value_of_image(image, source.data_format),
                None if by_scale else given[2:],
                layer_mode,
                given[2:] if by_scale else None,
                coordinates=convention,
                name=place.name,
            ).tensor
        )
    ]


def _factors(place: Place, wanted: Wanted, source: Value | None) -> list[Fraction]:
    """The factor of every spatial axis, from the constant input scales or from sizes."""
    scales, sizes, axes = optional(wanted.scales, "scales"), wanted.sizes, wanted.axes
    by_scale = wanted.by_scale
    values = scales if by_scale else None if sizes is None else np.asarray(sizes)
    if values is None or not values.size:
        raise ConversionError("needs constant scales or sizes.")
    axes = list(range(len(values))) if axes is None else axes
    rank = max(axes) - 1 if place.rank is None else place.rank
    factors = [Fraction(1)] * (rank + 2)
    for axis, value in zip(axes, values.tolist(), strict=True):
        at = axis % (rank + 2)
        if by_scale:
            factors[at] = Fraction(value)
        elif isinstance(value, UnknownSize):
            multiple = None if source is None else value.multiple_of(source, at)
            if multiple is None and at >= 2:
                raise ConversionError("has sizes that depend on unknown ones. Give the input fixed sizes.")
            factors[at] = multiple or Fraction(1)
        elif at >= 2:
            factors[at] = Fraction(int(value), place.size(at - 2))
        elif source is not None and source.static_shape[at]:
            factors[at] = Fraction(int(value), source.static_shape[at])
    if factors[:2] != [1, 1]:
        raise ConversionError(
            f"resizes by ({', '.join(map(str, factors))}); batch and channels must keep their sizes."
        )
    return factors[2:]


def _repeats(factor: int, convention: str, rounding: str) -> bool:
    """Whether nearest resizing takes output y from input y // factor."""
    if convention not in (*HALF_PIXEL, "asymmetric") or rounding not in ROUNDING:
        return False
    shift = Fraction(0) if convention == "asymmetric" else Fraction(1, 2)
    return all(
        max(ROUNDING[rounding]((y + shift) / factor - shift), 0) == y // factor for y in range(2 * factor)
    )


COORDINATES: dict[str, Callable[[Array, np.float32, int, int], Array]] = {
    "half_pixel": lambda y, factor, size, out: (y + HALF) / factor - HALF,
    "half_pixel_symmetric": lambda y, factor, size, out: (y + HALF) / factor - HALF,
    "pytorch_half_pixel": lambda y, factor, size, out: (y + HALF) / factor - HALF if out > 1 else y * 0,
    "tf_half_pixel_for_nn": lambda y, factor, size, out: (y + HALF) / factor,
    "asymmetric": lambda y, factor, size, out: y / factor,
    "align_corners": lambda y, factor, size, out: y * np.float32(size - 1) / np.float32(max(out - 1, 1)),
}
"""Where output y of ``out`` lies among ``size`` samples (ONNX's operator documentation, Resize); in float32,
as runtimes compute it, so that nearest picks what they pick."""


def _between_known_sizes(place: Place, factors: Sequence[Fraction], wanted: Wanted) -> Steps:
    mode, convention = wanted.mode, wanted.convention
    known = [place.size(axis) for axis in range(len(factors))]
    coordinates = []
    for size, factor in zip(known, factors, strict=True):
        out = int(factor * size) if wanted.sizes is not None else math.floor(float(factor) * size)
        y = np.arange(out, dtype=np.float32)
        at = COORDINATES[convention](y, np.float32(float(factor)), size, out)
        if convention == "half_pixel_symmetric":  # the centres meet where the outputs are no whole number
            at = at + np.float32(Fraction(size, 2) * (1 - out / (factor * size)))
        coordinates.append(at)
    axes = list(zip(coordinates, known, strict=True))
    if mode == "nearest":
        picks = [np.array([ROUNDING[wanted.rounding](Fraction(float(x))) for x in at], int) for at, _ in axes]
        return resizing.pick(place, [at.clip(0, size - 1) for at, size in zip(picks, known, strict=True)])
    if mode == "linear":
        return resizing.by_matrices(place, [resampling.linear_matrix(at, size).numpy() for at, size in axes])
    a, exclude = wanted.coefficient, wanted.exclude_outside
    return resizing.by_matrices(
        place, [resampling.cubic_matrix(at, size, a, exclude_outside=exclude).numpy() for at, size in axes]
    )
