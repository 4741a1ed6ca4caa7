"""Values with their axes moved, joined, split, cut and summed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.by_size.sizes import Size, UnknownSize
from tfdeconv.convert.graph import by_size
from tfdeconv.convert.graph.values import Value, image_order
from tfdeconv.convert.operators import padding, pooling
from tfdeconv.convert.operators.place import Step
from tfdeconv.errors import ConversionError

UNKNOWN_SIZES = "; give unknown sizes in input_shape= of from_torch or as fixed dimensions of the ONNX model"
"""What to do about sizes that are unknown, in a message."""


def permute(value: Value, axes: Sequence[int]) -> Value:
    """Return the value with axis ``axes[k]`` as its axis k: nothing is computed."""
    axes = [axis % value.rank for axis in axes]
    if sorted(axes) != list(range(value.rank)):
        raise ConversionError(f"Axes {axes} are no order of the {value.rank} axes of a tensor.")
    return Value(value.tensor, tuple(axes.index(axis) for axis in value.order), value.data_format)


def transpose(value: Value, first: int, second: int) -> Value:
    """Return the value with two axes exchanged."""
    axes = list(range(value.rank))
    axes[first], axes[second] = axes[second], axes[first]
    return permute(value, axes)


def reshape(value: Value, sizes: Sequence[Size]) -> Value:
    """Return the value with other axes behind the batch; one size may be -1.

    Raises:
        ConversionError: The batch would be mixed with other axes, or a size is unknown.
    """
    shape, sizes = value.static_shape, list(sizes)
    if len(sizes) == value.rank and all(
        size == known if known is not None and isinstance(size, int) else _is_size(size, value, axis)
        for axis, (size, known) in enumerate(zip(sizes, shape, strict=True))
    ):
        return value
    rest = list(sizes[1:])
    known = None if None in shape[1:] else math.prod(shape[1:])  # type: ignore[arg-type]
    if not _keeps_batch(value, sizes, known):
        unknown = known is None or by_size.any_unknown(rest)
        raise ConversionError(
            f"A tensor of shape {_shown(shape)} is reshaped to {_shown(sizes)}, which mixes the batch with "
            f"other axes{' or depends on sizes that are unknown' * unknown}. Only the axes behind the batch "
            "can be reshaped, which stays in front as in x.view(x.shape[0], -1)"
            f"{UNKNOWN_SIZES * unknown}."
        )
    open_axes = [axis for axis, size in enumerate(rest) if isinstance(size, UnknownSize) or size == -1]
    if len(open_axes) > 1:
        return by_size.reshape(value, rest)
    numbers = [-1 if isinstance(size, UnknownSize) else size for size in rest]
    if known is not None and open_axes:
        others = -math.prod(numbers)
        numbers[open_axes[0]] = known // others if others else 0
    tensor = keras.layers.Reshape(tuple(numbers), dtype=value.dtype)(value.plain())
    return Value(tensor, tuple(range(len(sizes))), value.data_format)


def _keeps_batch(value: Value, sizes: Sequence[Size], known: int | None) -> bool:
    batch, *rest = sizes
    numbers = [size for size in rest if isinstance(size, int)]
    if numbers.count(-1) > 1:
        return False
    if isinstance(batch, UnknownSize):
        return batch.is_batch
    if batch == -1:
        return known is not None and len(numbers) == len(rest) and math.prod(numbers) == known
    return value.static_shape[0] == batch


def _is_size(size: Size, value: Value, axis: int) -> bool:
    return isinstance(size, UnknownSize) and size.is_size(value, axis)


def _shown(sizes: Sequence[Any]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in sizes) + "]"


def flatten(value: Value, first: int = 0, last: int = -1) -> Value:
    """Return the value with the axes from ``first`` to ``last`` as one."""
    first, last = first % value.rank, last % value.rank
    if first == last:
        return value
    inner = value.static_shape[first : last + 1]
    joined = -1 if None in inner else math.prod(inner)  # type: ignore[arg-type]
    shape = value.shape
    return reshape(value, [*shape[:first], joined, *shape[last + 1 :]])


def unsqueeze(value: Value, axis: int) -> Value:
    """Return the value with a new axis of size 1."""
    rank = value.rank + 1
    axis %= rank
    order = tuple(old + (old >= axis) for old in value.order)
    layout = image_order(rank, value.data_format)
    fits = tuple(old for old in layout if old != axis) == order
    at = layout.index(axis) if fits else len(order)
    tensor = keras.ops.expand_dims(value.tensor, at)
    return Value(tensor, (*order[:at], axis, *order[at:]), value.data_format)


def squeeze(value: Value, axes: Sequence[int] | None = None) -> Value:
    """Return the value without axes of size 1; None: all but the batch."""
    shape = value.static_shape
    if axes is None:
        if None in shape[1:]:
            raise ConversionError("squeeze without axes needs known sizes; name the axes.")
        axes = [axis for axis in range(1, value.rank) if shape[axis] == 1]
    chosen = [axis % value.rank for axis in axes]
    if any(shape[axis] is None for axis in chosen):
        raise ConversionError(f"squeeze needs to know the sizes of axes {chosen} of {_shown(shape)}.")
    return without(value, [axis for axis in chosen if shape[axis] == 1], keras.ops.squeeze)


def without(value: Value, axes: Sequence[int], operation: Callable[..., Any]) -> Value:
    """Return the value after an operation that removes axes of the source."""
    gone = sorted({axis % value.rank for axis in axes})
    if not gone:
        return value
    tensor = operation(value.tensor, axis=tuple(value.keras_axis(axis) for axis in gone))
    order = tuple(axis - sum(g < axis for g in gone) for axis in value.order if axis not in gone)
    return Value(tensor, order, value.data_format)


REDUCTIONS = {
    "mean": keras.ops.mean,
    "sum": keras.ops.sum,
    "amax": keras.ops.max,
    "amin": keras.ops.min,
    "prod": keras.ops.prod,
}


def reduce(value: Value, kind: str, axes: Sequence[int] | None, *, keepdims: bool) -> Value:
    """Return the mean, sum, ... over axes of the source; None: over all."""
    chosen = sorted({axis % value.rank for axis in (range(value.rank) if axes is None else axes)})
    if 0 in chosen:
        raise ConversionError(f"{kind} over the batch axis mixes pictures; it has no layer.")
    if kind in ("mean", "amax") and chosen == list(range(2, value.rank)) and value.rank <= 5:
        return value.through(
            pooling.global_pool(value.place(), "average" if kind == "mean" else "max", keepdims=keepdims)
        )
    if not keepdims:
        return without(value, chosen, REDUCTIONS[kind])
    at = tuple(value.keras_axis(axis) for axis in chosen)
    return value.with_tensor(REDUCTIONS[kind](value.tensor, axis=at, keepdims=True))


def cut(value: Value, axis: int, start: Size | None, stop: Size | None, step: int = 1) -> Value:
    """Return the samples ``start:stop:step`` of an axis, by Python's rules."""
    axis %= value.rank
    stop = by_size.from_the_end(stop, value, axis)
    if isinstance(start, UnknownSize) or isinstance(stop, UnknownSize):
        return by_size.cut(value, [(axis, start, stop, step)])
    size = value.static_shape[axis]
    if size is not None:
        start, stop, step = slice(start, stop, step).indices(size)
        if step < 0:
            raise ConversionError("A slice with a negative step has no layer.")
        if (start, stop, step) == (0, size, 1):
            return value
        stop = max(start, stop)
    elif axis == 0 and (start or 0, stop, step) != (0, None, 1):
        raise ConversionError("Slicing the batch axis has no layer.")
    if (start or 0, stop, step) == (0, None, 1):
        return value
    spatial = axis >= 2 and value.rank <= 5
    to_the_end = stop is None or (isinstance(stop, int) and stop < 0)
    if spatial and step == 1 and (start or 0) >= 0 and (size is not None or to_the_end):
        pads = [(0, 0)] * (value.rank - 2)
        after = 0 if stop is None else (-stop if size is None else size - stop)
        pads[axis - 2] = (-(start or 0), -after)
        return value.through(padding.pad(value.place(), pads))
    at = value.keras_axis(axis)
    key = (*(slice(None),) * at, slice(start, stop, step))
    return value.with_tensor(value.tensor[key])


def take(value: Value, axis: int, index: Size) -> Value:
    """Return the value at one position of an axis, which disappears."""
    axis %= value.rank
    if axis == 0:
        raise ConversionError("Picking one example of the batch has no layer.")
    size = value.static_shape[axis]
    if isinstance(index, int) and size is not None:
        if not -size <= index < size:
            raise ConversionError(f"Position {index} is none of an axis of {size}.")
        return without(cut(value, axis, index % size, index % size + 1), [axis], keras.ops.squeeze)
    if isinstance(index, UnknownSize):
        value, index = cut(value, axis, index, index + 1), 0
    return without(value, [axis], lambda tensor, axis: tensor[(*(slice(None),) * axis[0], index)])


def gather(value: Value, axis: int, indices: Any) -> Value:
    """Return the value at several positions of an axis, in their order."""
    at = np.asarray(indices)
    if axis % value.rank == 0 or at.ndim != 1 or not np.issubdtype(at.dtype, np.integer):
        raise ConversionError("Only a list of whole numbers picks from an axis, and from none of the batch.")
    size = value.static_shape[axis]
    if size is not None and ((at >= size) | (at < -size)).any():
        raise ConversionError(f"Positions {at.tolist()} are not all in an axis of {size}.")
    if (at < 0).any():
        if size is None:
            raise ConversionError("Negative positions need a known size; give input_shape=.")
        at = at % size
    return value.with_tensor(keras.ops.take(value.tensor, at, axis=value.keras_axis(axis)))


def arg(value: Value, operation: Callable[..., Any], axis: int, *, keepdims: bool) -> Value:
    """Return the positions along an axis that ``keras.ops.argmax`` or ``argmin`` finds."""
    if axis % value.rank == 0:
        raise ConversionError("Comparing examples of the batch has no layer.")
    if keepdims:
        found = operation(value.tensor, axis=value.keras_axis(axis), keepdims=True)
        return value.with_tensor(keras.ops.cast(found, "int64"))
    return without(
        value, [axis], lambda tensor, axis: keras.ops.cast(operation(tensor, axis=axis[0]), "int64")
    )


def split(value: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """Return pieces of these sizes along an axis."""
    size = value.static_shape[axis]
    if size is not None and sum(sizes) != size:
        raise ConversionError(f"An axis of {size} is split into {list(sizes)}, which is another size.")
    parts, start = [], 0
    for size in sizes:
        parts.append(cut(value, axis, start, start + size))
        start += size
    return parts


def pad(
    value: Value,
    pads: Sequence[tuple[Size, Size]],
    mode: str = "constant",
    constant: float = 0.0,
    name: str | None = None,
) -> Value:
    """Return the value with (before, after) elements around each axis of the source; negative ones crop."""
    if by_size.any_unknown([number for pair in pads for number in pair]):
        return by_size.pad(value, pads, mode, constant, name)
    return _pad(value, [(int(before), int(after)) for before, after in pads], mode, constant)


def _pad(value: Value, pads: padding.Pads, mode: str, constant: float) -> Value:
    if not any(map(any, pads)):
        return value
    if 3 <= value.rank <= 5 and not any(map(any, pads[:2])):
        return value.through(padding.pad(value.place(), pads[2:], mode, constant))
    if any(pads[0]):
        raise ConversionError("Padding the batch axis has no layer.")
    for axis, (before, after) in enumerate(pads):
        if before < 0 or after < 0:
            value = cut(value, axis, max(-before, 0), min(after, 0) or None)
    around = [(max(before, 0), max(after, 0)) for before, after in pads]
    ordered = [around[axis] for axis in value.order]
    return value.with_tensor(padding.pad_axes(value.tensor, ordered, mode, constant))


def repeated(value: Value, axis: int, times: int) -> Value:
    """Return every sample of an axis several times in a row."""
    if axis % value.rank == 0:
        raise ConversionError("Repeating examples of the batch has no layer.")
    return value.with_tensor(keras.ops.repeat(value.tensor, times, axis=value.keras_axis(axis)))


def filled(constant: float, sizes: Sequence[Any], dtype: str) -> Value:
    """Return a constant tensor for sizes some of which are those of other tensors.

    Raises:
        ConversionError: Nothing tells how many examples there are, or sizes are unknown altogether.
    """
    unknown = [size.measured for size in sizes if isinstance(size, UnknownSize)]
    model = next((axis.value for axis in reversed(unknown) if axis is not None), None)
    if model is None:
        raise ConversionError("A constant tensor has a size that is unknown; give input_shape=.")
    same = model.rank == len(sizes) and all(
        size.is_size(model, axis) if isinstance(size, UnknownSize) else size == model.static_shape[axis]
        for axis, size in enumerate(sizes[1:], start=1)
    )
    value = model if same else _one_each(model, len(sizes))
    if constant == 0:
        tensor = keras.ops.zeros_like(value.tensor, dtype=dtype)
    elif constant == 1:
        tensor = keras.ops.ones_like(value.tensor, dtype=dtype)
    else:
        tensor = keras.ops.full_like(value.tensor, constant, dtype=dtype)
    value = value.with_tensor(tensor)
    if same:
        return value
    for axis, size in enumerate(sizes[1:], start=1):
        if isinstance(size, int) and size != 1:
            value = repeated(value, axis, size)
    missing: list[Size] = [size - 1 if isinstance(size, UnknownSize) else 0 for size in sizes]
    return pad(value, [(0, 0), *((0, size) for size in missing[1:])], "edge")


def _one_each(value: Value, rank: int) -> Value:
    """Return one element for each example, of a tensor of ``rank`` axes."""
    for axis in range(1, value.rank):
        value = cut(value, axis, 0, 1)
    tensor = keras.layers.Reshape((1,) * (rank - 1), dtype=value.dtype)(value.plain())
    return Value(tensor, image_order(rank, value.data_format), value.data_format)  # all axes are alike


def on_last_axis(value: Value, steps: Sequence[Step], count: int = 1) -> Value:
    """Return the value after steps along the last axis of the source, or the last ``count`` axes."""
    first = value.rank - count
    order = (*(axis for axis in value.order if axis < first), *range(first, value.rank))
    return Value(value.ordered(order), order, value.data_format).everywhere(steps)
