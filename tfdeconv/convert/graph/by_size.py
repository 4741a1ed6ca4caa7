"""Pads, slices, resizing and reshaping by sizes that are unknown while the model is built.

Where a layer that the rest of the package knows does the same, it is made; ``convert.by_size`` has the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfdeconv import layers
from tfdeconv.convert.by_size.formulas import Measured
from tfdeconv.convert.by_size.numbers import NumberBySize
from tfdeconv.convert.by_size.padding import PadBySize
from tfdeconv.convert.by_size.resampling import ResizeBySize
from tfdeconv.convert.by_size.reshaping import ReshapeBySize
from tfdeconv.convert.by_size.sizes import Rounded, UnknownSize
from tfdeconv.convert.by_size.slicing import SliceBySize
from tfdeconv.convert.graph.values import Value
from tfdeconv.errors import ConversionError
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D


def any_unknown(numbers: Sequence[Any]) -> bool:
    """Whether one of some numbers is unknown."""
    return any(isinstance(number, UnknownSize) for number in numbers)


def pad(
    value: Value,
    around: Sequence[tuple[Any, Any]],
    mode: str = "constant",
    constant: float = 0.0,
    name: str | None = None,
) -> Value:
    """Return the value with (before, after) samples around each axis of the source; negative ones crop."""
    multiple = _multiple(value, around) if (mode, constant) == ("constant", 0) else None
    if multiple is not None:
        layer = PadToMultiple2D(multiple, data_format=value.data_format, dtype=value.dtype, name=name)
        return value.through([layer])
    if any(isinstance(number, UnknownSize) or number != 0 for number in around[0]):
        raise ConversionError("Padding the batch axis has no layer.")
    measured = Measured(value.tensor)
    pads = [[measured.formula(number) for number in around[axis]] for axis in value.order]
    layer = PadBySize(pads, mode, constant, dtype=value.dtype, name=name)
    return value.with_tensor(layer(measured.tensors))


def _multiple(value: Value, around: Sequence[tuple[Any, Any]]) -> int | None:
    """The number up to whose multiples height and width are filled at their ends; None where they are not."""
    if value.rank != 4 or any(isinstance(before, UnknownSize) or before != 0 for before, _ in around):
        return None
    afters = [after for _, after in around]
    found = {
        int(abs(times))
        for after in afters
        if isinstance(after, UnknownSize)
        for atom, times in (after.terms or {}).items()
        if isinstance(atom, Rounded) and times.denominator == 1
    }
    if len(found) != 1:
        return None
    multiple = found.pop()
    expected = [0, 0, *(-size % multiple for size in value.shape[2:])]
    same = (_same(after, number) for after, number in zip(afters, expected, strict=True))
    return multiple if all(same) else None


def _same(first: Any, second: Any) -> bool:
    """Whether two sizes are always equal, as far as can be told."""
    difference = first - second
    return not isinstance(difference, UnknownSize) and difference == 0


def cut(value: Value, cuts: Sequence[tuple[int, Any, Any, int]], name: str | None = None) -> Value:
    """Return the block of ``value`` between starts and stops by Python's rules.

    Args:
        value: What is cut.
        cuts: Axis, start, stop and step of every slice; starts and stops may be None.
        name: Name of the layer.

    Raises:
        ConversionError: The batch is cut.
    """
    by_axis = {axis % value.rank: (start, stop, step) for axis, start, stop, step in cuts}
    if by_axis.pop(0, (None, None, 1)) not in ((None, None, 1), (0, None, 1)):
        raise ConversionError("Slicing the batch axis has no layer.")
    cropped = _crop_like(value, by_axis, name)
    if cropped is not None:
        return cropped
    measured = Measured(value.tensor)
    formulas = [
        [
            None if number is None else measured.formula(number)
            for number in by_axis.get(axis, (None, None, 1))
        ]
        for axis in value.order
    ]
    layer = SliceBySize(formulas, dtype=value.dtype, name=name)
    return value.with_tensor(layer(measured.tensors))


def _crop_like(value: Value, cuts: dict[int, tuple[Any, Any, int]], name: str | None) -> Value | None:
    """The block at a fixed place that has the spatial sizes of another tensor; None for other blocks."""
    axes = range(2, value.rank)
    found = [_measured(stop) for _, stop, _ in cuts.values()]
    references = [reference for reference in found if reference is not None]
    if not references or not set(cuts) <= set(axes) or references[0].rank != value.rank:
        return None
    reference = references[0]
    offsets = []
    for axis in axes:
        start, stop, step = cuts.get(axis, (0, None, 1))
        start = 0 if start is None else start
        stop = value.shape[axis] if stop is None else stop
        if isinstance(start, UnknownSize) or start < 0 or step != 1:
            return None
        if not _same(stop - start, reference.shape[axis]):
            return None
        offsets.append(int(start))
    layer = layers.CropLike(tuple(offsets), data_format=value.data_format, dtype=value.dtype, name=name)
    images = [value.image(), reference.image()]
    return value.through([lambda _: layer(images)])


def _measured(stop: Any) -> Value | None:
    """The tensor whose size tells where a slice stops."""
    axis = stop.measured if isinstance(stop, UnknownSize) else None
    return None if axis is None else axis.value


def from_the_end(stop: Any, value: Value, axis: int) -> Any:
    """Return where a slice stops as Python counts from the end, where it is told by the axis's own size.

    None is the end itself.
    """
    behind = stop - value.shape[axis] if isinstance(stop, UnknownSize) else None
    if behind is None or isinstance(behind, UnknownSize) or behind > 0:
        return stop
    return behind or None


def resize(
    value: Value,
    sizes: Sequence[Any] | None,
    mode: str,
    factors: Sequence[float] | None = None,
    *,
    coordinates: str = "half_pixel",
    antialias: bool = False,
    recompute_scale_factor: bool = False,
    name: str | None = None,
) -> Value:
    """Return the value with its spatial axes interpolated to ``sizes``, or by ``factors``."""
    measured = Measured(value.tensor)
    spatial = [axis - 2 for axis in value.order]
    formulas = [
        None
        if axis < 0 or sizes is None or _same(sizes[axis], value.shape[axis + 2])
        else measured.formula(sizes[axis])
        for axis in spatial
    ]
    layer = ResizeBySize(
        formulas,
        mode,
        [None if axis < 0 or factors is None else factors[axis] for axis in spatial],
        coordinates=coordinates,
        antialias=antialias,
        recompute_scale_factor=recompute_scale_factor,
        dtype=value.dtype,
        name=name,
    )
    return value.with_tensor(layer(measured.tensors))


def reshape(value: Value, sizes: Sequence[Any]) -> Value:
    """Return the value with other axes behind the batch, ``sizes`` without the batch."""
    tensor = value.plain()
    measured = Measured(tensor)
    layer = ReshapeBySize([measured.formula(size) for size in sizes], dtype=value.dtype)
    return Value(layer(measured.tensors), tuple(range(len(sizes) + 1)), value.data_format)


def number(value: Value, size: UnknownSize, dtype: str) -> Value:
    """Return a size as a tensor of one element, which combines with ``value``."""
    divisor = size.denominator
    measured = Measured(value.tensor)
    layer = NumberBySize(measured.formula(size * divisor), divisor, dtype=dtype)
    return value.with_tensor(layer(measured.tensors))
