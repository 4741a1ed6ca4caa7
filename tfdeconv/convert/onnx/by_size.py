"""Pad and Slice whose numbers follow from sizes that are unknown: padding to a multiple, and crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfdeconv import layers
from tfdeconv.convert.graph.values import MissingToMultiple, ShiftedSize, UnknownSize, Value
from tfdeconv.errors import ConversionError
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D


def pad_to_multiple(value: Value, around: Sequence[tuple[Any, Any]], name: str | None) -> Value:
    """Return an image with zeros at its bottom and right, up to multiples of one number.

    Args:
        value: The image.
        around: (before, after) of every axis; a ``MissingToMultiple`` among them.
        name: Name of the layer.

    Raises:
        ConversionError: The numbers are something else.
    """
    befores, afters = zip(*around, strict=True)
    multiples = {after.multiple for after in afters if isinstance(after, MissingToMultiple)}
    unknown = any(isinstance(before, UnknownSize) or before != 0 for before in befores)
    if not unknown and value.rank == 4 and len(multiples) == 1:
        multiple = multiples.pop()
        if all(_is_missing(after, value, axis, multiple) for axis, after in enumerate(afters)):
            layer = PadToMultiple2D(multiple, data_format=value.data_format, dtype=value.dtype, name=name)
            return value.through([layer])
    raise ConversionError(
        "pads by sizes of the input that are unknown; only zeros at the end of height and width up to "
        "multiples of one number have a layer. Give the input fixed sizes."
    )


def _is_missing(after: Any, value: Value, axis: int, multiple: int) -> bool:
    if isinstance(after, MissingToMultiple):
        return axis >= 2 and after.multiple == multiple and after.base.is_size(value, axis)
    if isinstance(after, UnknownSize):
        return False
    size = value.static_shape[axis]
    return bool(after == 0) if axis < 2 else size is not None and after == -size % multiple


def from_the_end(stop: Any, value: Value, axis: int) -> Any:
    """Return where a slice stops as Python counts from the end, where it is told by the axis's own size."""
    base, shift = (stop.base, stop.shift) if isinstance(stop, ShiftedSize) else (stop, 0)
    if not isinstance(base, UnknownSize) or not base.is_size(value, axis) or shift > 0:
        return stop
    return shift or 2**63 - 1


def crop_like(
    value: Value,
    cuts: Sequence[tuple[int, Any, Any, int]],
    name: str | None,
) -> Value:
    """Return the block of ``value`` that has the spatial sizes of another tensor.

    Args:
        value: What is cropped.
        cuts: Axis, start, stop and step of every slice; the stops are sizes of the other tensor behind
            the starts.
        name: Name of the layer.

    Raises:
        ConversionError: The numbers are something else.
    """
    references = [found for _, _, stop, _ in cuts if (found := _measured(stop)) is not None]
    if not references or references[0].rank != value.rank:
        raise ConversionError(_NO_CROP)
    reference = references[0]
    offsets = dict.fromkeys(range(2, value.rank), 0)
    stops: dict[int, Any] = {axis: value.static_shape[axis] for axis in offsets}
    for axis, start, stop, step in cuts:
        axis %= value.rank
        if axis not in offsets or isinstance(start, UnknownSize) or start < 0 or step != 1:
            raise ConversionError(_NO_CROP)
        offsets[axis], stops[axis] = int(start), stop
    same = [_ends(stops[axis], offset, reference, axis) for axis, offset in offsets.items()]
    if not all(same):
        raise ConversionError(_NO_CROP)
    layer = layers.CropLike(
        tuple(offsets.values()), data_format=value.data_format, dtype=value.dtype, name=name
    )
    image = value.image()
    return value.through([lambda _: layer([image, reference.image()])])


_NO_CROP = (
    "cuts by sizes of the input that are unknown; only a block at fixed places, of the spatial sizes of one "
    "tensor, has a layer. Give the input fixed sizes."
)


def _measured(stop: Any) -> Value | None:
    """The tensor whose size tells where a slice stops."""
    base = stop.base if isinstance(stop, ShiftedSize) else stop
    return base.value if isinstance(base, UnknownSize) else None


def _ends(stop: Any, offset: int, reference: Value, axis: int) -> bool:
    """Whether a slice from ``offset`` to ``stop`` has the size of that axis of the reference."""
    if isinstance(stop, UnknownSize):
        base, shift = (stop.base, stop.shift) if isinstance(stop, ShiftedSize) else (stop, 0)
        return base.is_size(reference, axis) and shift == offset
    return stop is not None and stop - offset == reference.static_shape[axis]
