"""ONNX operators that join, split, move or reshape tensors, by ONNX's inputs and attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size, combining, shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.onnx import unpooling
from tfdeconv.convert.onnx.arguments import constant, known_number, only, optional
from tfdeconv.convert.onnx.split_axes import SplitView, split_view
from tfdeconv.convert.onnx.unpooling import Flattened, Switches
from tfdeconv.errors import ConversionError

Named = str | None


class GroupedView:
    """An image whose channels and samples are seen as groups: ``[batch, groups, -1]``.

    So exporters write group normalisation; nothing is moved for it.
    """

    def __init__(self, image: Value, groups: int) -> None:
        self.image, self.groups = image, groups

    @property
    def tensor(self) -> Value:
        """What is seen, as a tensor."""
        return shaping.reshape(self.image, [self.image.shape[0], self.groups, -1])


def concat(name: Named, *values: Any, axis: int) -> Value:
    """Concat."""
    return combining.concatenate(values, axis, name)


def split(
    name: Named,
    value: Value,
    sizes: Any = None,
    *,
    axis: int = 0,
    split: Any = None,
    num_outputs: int | None = None,
    outputs: int = 1,
) -> tuple[Value, ...]:
    """Split; the sizes are an attribute before opset 13, an input since."""
    pieces = split if sizes is None else constant(sizes, "split (input 1)").tolist()
    if pieces is None:
        size = value.static_shape[axis]
        if size is None:
            raise ConversionError("splits an axis of unknown size. Give the input fixed sizes.")
        step = -(-size // (num_outputs or outputs))
        pieces = [min(step, size - start) for start in range(0, size, step)]
    return tuple(shaping.split(value, axis, pieces))


def slice_(
    name: Named,
    value: Any,
    given_starts: Any = None,
    given_ends: Any = None,
    given_axes: Any = None,
    given_steps: Any = None,
    *,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
) -> Any:
    """Slice; what it cuts are attributes before opset 10, inputs since."""
    first = np.ravel(constant(starts if given_starts is None else given_starts, "starts (input 1)")).tolist()
    last = np.ravel(constant(ends if given_ends is None else given_ends, "ends (input 2)")).tolist()
    axes = axes if given_axes is None else np.ravel(constant(given_axes, "axes (input 3)"))
    steps = [1] * len(first) if given_steps is None else constant(given_steps, "steps (input 4)")
    if isinstance(value, Switches):
        return unpooling.first_places(value, first, last)
    along = range(len(first)) if axes is None else axes
    cuts = list(zip(map(int, along), first, last, np.ravel(steps).tolist(), strict=True))
    cuts = [(axis, start, _end(stop, value, axis), step) for axis, start, stop, step in cuts]
    if any(by_size.any_unknown([start, stop]) for _, start, stop, _ in cuts):
        return by_size.cut(value, cuts, name)
    for axis, start, stop, step in cuts:
        value = shaping.cut(value, axis, int(start), None if stop is None else int(stop), step)
    return value


def _end(stop: Any, value: Value, axis: int) -> Any:
    """Where a slice stops, None for the end of the axis."""
    stop = by_size.from_the_end(stop, value, axis)
    return None if not isinstance(stop, UnknownSize | None) and stop >= 2**31 - 1 else stop


def pad(
    name: Named,
    x: Value,
    given: Any = None,
    constant_value: Any = None,
    axes: Any = None,
    /,
    *,
    mode: str = "constant",
    value: float = 0.0,
    pads: Any = None,
) -> Value:
    """Pad; its numbers are attributes before opset 11, inputs since."""
    numbers = pads if given is None else constant(given, "pads (input 1)").tolist()
    if numbers is None:
        raise ConversionError("needs constant pads (input 1).")
    filling = optional(constant_value, "value (input 2)")
    fill = value if filling is None or not filling.size else filling.item()
    along = range(x.rank) if axes is None else [int(a) % x.rank for a in constant(axes, "axes (input 3)")]
    around: list[tuple[Any, Any]] = [(0, 0)] * x.rank
    half = len(numbers) // 2
    for axis, before, after in zip(along, numbers[:half], numbers[half:], strict=True):
        around[axis] = (before, after)
    only("mode", mode, "constant", "reflect", "edge", "wrap")
    return shaping.pad(x, around, mode, fill, name)


def transpose(name: Named, value: Any, *, perm: Sequence[int] | None = None) -> Any:
    """Transpose: the axes are renamed, nothing moves."""
    perm = perm if perm is not None else range(value.rank)[::-1]
    return value.permuted(perm) if isinstance(value, SplitView) else shaping.permute(value, perm)


def reshape(name: Named, value: Any, shape: Any = None, *, allowzero: int = 0) -> Any:
    """Reshape behind the batch; views of an image that nothing is moved for stay what they are."""
    sizes = list(np.ravel(np.asarray(shape, object)))
    if isinstance(value, Switches) and sizes == [-1]:
        return value
    if isinstance(value, Flattened):
        shape = value.value.static_shape
        if not value.unpooled or list(shape) != sizes:
            raise ConversionError("reshapes the whole batch as one axis, which has no layer.")
        return value.value
    if isinstance(value, Value) and sizes == [-1]:
        return Flattened(value)
    image = value.image if isinstance(value, GroupedView) else value
    known = image.shape
    if isinstance(value, GroupedView):
        if len(sizes) == len(known) and all(same_size(s, image, axis) for axis, s in enumerate(sizes)):
            return image
        image = value.tensor
        known = image.shape
    sizes = [
        known[axis] if not isinstance(size, UnknownSize) and size == 0 and not allowzero else size
        for axis, size in enumerate(sizes)
    ]
    sizes = [size if isinstance(size, UnknownSize) else int(size) for size in sizes]
    if isinstance(value, SplitView):
        merged = value.merged(sizes, name)
        return shaping.reshape(value.tensor, sizes) if merged is None else merged
    split = split_view(image, sizes)
    if split is not None:
        return split
    groups = sizes[1] if len(sizes) == 3 and isinstance(sizes[2], int) and sizes[2] == -1 else None
    if isinstance(groups, int) and None in image.static_shape[2:] and same_size(sizes[0], image, 0):
        return GroupedView(image, groups)
    return shaping.reshape(image, sizes)


def same_size(size: Any, value: Value, axis: int) -> bool:
    """Whether a size that is asked for is that of an axis, as far as can be told."""
    if isinstance(size, UnknownSize):
        measured = size.measured
        return axis == 0 or (
            measured is not None and measured.axis == axis and size.is_size(measured.value, axis)
        )
    return size == -1 or size == 0 or size == value.static_shape[axis]


def flatten(name: Named, value: Value, *, axis: int = 1) -> Value:
    """Flatten behind the batch."""
    only("axis", axis % value.rank, 1)
    return shaping.flatten(value, 1)


def named_axes(value: Value, given: Any, attribute: Any) -> list[int] | None:
    """Return the axes, an attribute in old operator sets and an input in new ones."""
    chosen = attribute if given is None else np.ravel(constant(given, "axes (input 1)")).tolist()
    return None if chosen is None else [int(axis) for axis in chosen]


def squeeze(name: Named, value: Value, given: Any = None, *, axes: Any = None) -> Value:
    """Squeeze."""
    return shaping.squeeze(value, named_axes(value, given, axes))


def unsqueeze(name: Named, value: Any, given: Any = None, *, axes: Any = None) -> Any:
    """Unsqueeze."""
    if isinstance(value, Switches):
        return value
    chosen = named_axes(value, given, axes) or []
    rank = value.rank + len(chosen)
    for axis in sorted(axis % rank for axis in chosen):
        value = shaping.unsqueeze(value, axis)
    return value


def shape_of(name: Named, value: Any, *, start: int = 0, end: int | None = None) -> Any:
    """Shape: sizes, as far as they are known."""
    sizes = np.empty(value.rank, object)
    sizes[:] = value.shape
    return sizes[slice(start, end)]


def expand(name: Named, value: Value, shape: Any = None) -> Value:
    """Expand where sizes of 1 grow to known ones, or nothing changes."""
    sizes = np.ravel(shape).tolist()
    sizes = [1] * (value.rank - len(sizes)) + sizes
    for axis, (size, known) in enumerate(zip(sizes, value.static_shape, strict=True)):
        if (isinstance(size, UnknownSize) and axis == 0) or size in (1, known):
            continue
        if axis == 0 or known != 1:
            raise ConversionError(f"expands axis {axis} to {size}, which has no layer.")
        value = shaping.repeated(value, axis, known_number(size))
    return value


def constant_tensor(op_type: str, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Value | None:
    """Return what ConstantOfShape and Expand fill tensors of unknown sizes with; None for other operators."""
    if op_type == "ConstantOfShape" and len(inputs[0]) > 2:
        filling = attributes.get("value")
        constant = np.zeros(1, np.float32) if filling is None else np.ravel(filling)
        return shaping.filled(constant[0].item(), np.ravel(inputs[0]).tolist(), constant.dtype.name)
    if op_type == "Expand" and np.size(inputs[0]) == 1 and len(inputs[1]) > 2:
        constant = np.ravel(inputs[0])
        return shaping.filled(constant[0].item(), np.ravel(inputs[1]).tolist(), constant.dtype.name)
    return None


def tile(name: Named, value: Value, repeats: Any = None) -> Value:
    """Tile behind the batch."""
    times = constant(repeats, "repeats (input 1)").tolist()
    if times[0] != 1:
        raise ConversionError("repeats the batch, which has no layer.")
    for axis, count in enumerate(times):
        if count != 1:
            value = combining.concatenate([value] * int(count), axis)
    return value


def gather(name: Named, value: Value, indices: Any = None, *, axis: int = 0) -> Value:
    """Gather by constant indices, one or a list."""
    at = constant(indices, "indices (input 1)")
    if axis % value.rank == 0 or at.ndim > 1:
        raise ConversionError("gathers examples of the batch or by a matrix of indices, which has no layer.")
    if at.ndim == 0:
        return shaping.take(value, axis, at.item())
    if at.dtype == object:
        raise ConversionError("gathers positions that follow from sizes. Give the input fixed sizes.")
    return shaping.gather(value, axis, at)


RULES: dict[str, Callable[..., Any]] = {
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Pad": pad,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Shape": shape_of,
    "Expand": expand,
    "Tile": tile,
    "Gather": gather,
}
"""ONNX operator -> a function of values; the first argument is the name of the layer."""
