"""Functions of PyTorch that move, cut, repeat or reshape tensors, by PyTorch's names and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import UnknownSize, Value
from tfdeconv.convert.pytorch import functions
from tfdeconv.errors import ConversionError

Named = str | None


def _length(value: Value, dim: int) -> int:
    size = value.static_shape[dim]
    if size is None:
        raise ConversionError(f"Axis {dim} is divided and its size is unknown; give input_shape=.")
    return size


def chunk(name: Named, input: Value, chunks: int, dim: int = 0) -> tuple[Value, ...]:
    """``torch.chunk``."""
    return split(name, input, -(-_length(input, dim) // chunks), dim)


def split(name: Named, input: Value, split_size: int | Sequence[int], dim: int = 0) -> tuple[Value, ...]:
    """``torch.split``."""
    size = _length(input, dim)
    if isinstance(split_size, int):
        sizes = [min(split_size, size - start) for start in range(0, size, split_size)]
    else:
        sizes = list(split_size)
    return tuple(shaping.split(input, dim, sizes))


def narrow(name: Named, input: Value, dim: int, start: int, length: int) -> Value:
    """``torch.narrow``."""
    return shaping.cut(input, dim, start, start + length)


def cut(
    name: Named, input: Value, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Value:
    """``aten::slice``."""
    end = None if isinstance(end, int) and end >= 2**31 - 1 else end
    return shaping.cut(input, dim, start, end, step)


def select(name: Named, input: Value, dim: int, index: int) -> Value:
    """``torch.select``."""
    return shaping.take(input, dim, index)


def getitem(name: Named, input: Value, key: Any) -> Value:
    """``x[key]`` by numbers, slices, None and the ellipsis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(one is not None and one is not ... and not isinstance(one, int | slice) for one in keys):
        raise ConversionError("Indexing by lists or tensors has no layer; only by numbers and slices.")
    if ... in [one for one in keys if not isinstance(one, slice)]:
        at = next(n for n, one in enumerate(keys) if one is ...)
        missing = input.rank - sum(one is not None and one is not ... for one in keys)
        keys[at : at + 1] = [slice(None)] * missing
    value, axis = input, 0
    for one in keys:
        if one is None:
            value = shaping.unsqueeze(value, axis)
        elif isinstance(one, int):
            value = shaping.take(value, axis, one)
            continue
        else:
            value = shaping.cut(value, axis, one.start, one.stop, 1 if one.step is None else one.step)
        axis += 1
    return value


def listed(first: Any, rest: Sequence[Any]) -> list[Any]:
    """Return what is given as one list or as several arguments."""
    return list(first) if isinstance(first, list | tuple) else [first, *rest]


def view(name: Named, input: Value, *shape: Any, size: Any = None) -> Value:
    """``Tensor.view`` and ``torch.reshape``."""
    return shaping.reshape(input, listed(shape[0] if shape else size, shape[1:]))


def view_as(name: Named, input: Value, other: Value) -> Value:
    """``Tensor.view_as``."""
    return shaping.reshape(input, other.shape)


def flatten(name: Named, input: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    """``torch.flatten``."""
    return shaping.flatten(input, start_dim, end_dim)


def unflatten(name: Named, input: Value, dim: int, sizes: Sequence[int]) -> Value:
    """``torch.unflatten``."""
    at = dim % input.rank
    shape = input.shape
    return shaping.reshape(input, [*shape[:at], *sizes, *shape[at + 1 :]])


def squeeze(name: Named, input: Value, dim: Any = None) -> Value:
    """``torch.squeeze``."""
    return shaping.squeeze(input, None if dim is None else listed(dim, ()))


def unsqueeze(name: Named, input: Value, dim: int) -> Value:
    """``torch.unsqueeze``."""
    return shaping.unsqueeze(input, dim)


def permute(name: Named, input: Value, *dims: Any) -> Value:
    """``torch.permute``."""
    return shaping.permute(input, listed(dims[0], dims[1:]))


def transpose(name: Named, input: Value, dim0: int, dim1: int) -> Value:
    """``torch.transpose``."""
    return shaping.transpose(input, dim0, dim1)


def expand(name: Named, input: Value, *sizes: Any) -> Value:
    """``Tensor.expand`` where it changes nothing, or repeats an axis of size 1 known times."""
    wanted = listed(sizes[0], sizes[1:])
    value = input
    while value.rank < len(wanted):
        value = shaping.unsqueeze(value, 1)  # a new axis cannot come before the batch
        raise ConversionError("expand adds an axis in front of the batch, which has no layer.")
    for axis, (size, known) in enumerate(zip(wanted, value.static_shape, strict=True)):
        if isinstance(size, UnknownSize) or size in (-1, known):
            continue
        value = shaping.repeated(value, axis, int(size))
    return value


def repeat_interleave(name: Named, input: Value, repeats: int, dim: int) -> Value:
    """``torch.repeat_interleave``."""
    return shaping.repeated(input, dim, repeats)


def repeat(name: Named, input: Value, *sizes: Any) -> Value:
    """``Tensor.repeat``: copies one after another."""
    times = listed(sizes[0], sizes[1:])
    if len(times) != input.rank or times[0] != 1:
        raise ConversionError(f"repeat by {times} adds axes or repeats the batch, which has no layer.")
    value = input
    for axis, count in enumerate(times):
        if count != 1:
            value = combining.concatenate([value] * count, axis)
    return value


def flip(name: Named, input: Value, *dims: Any) -> Value:
    """``torch.flip``."""
    axes = [input.keras_axis(dim) for dim in listed(dims[0], dims[1:])]
    return input.with_tensor(keras.ops.flip(input.tensor, axis=axes))


def channel_shuffle(name: Named, input: Value, groups: int) -> Value:
    """``F.channel_shuffle``."""
    channels = _length(input, 1)
    order = np.arange(channels).reshape(groups, -1).T.ravel()
    return input.with_tensor(keras.ops.take(input.tensor, order, axis=input.keras_axis(1)))


def pad(
    name: Named, input: Value, pad: Sequence[Any], mode: str = "constant", value: float | None = None
) -> Value:
    """``F.pad``: pairs from the last axis to the first."""
    numbers = [int(number) for number in pad]
    pairs = [(numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 2)][::-1]
    around = [(0, 0)] * (input.rank - len(pairs)) + pairs
    if mode not in functions.PAD_MODES:
        raise ConversionError(f"pad has mode={mode!r}; known are {', '.join(functions.PAD_MODES)}.")
    return shaping.pad(input, around, functions.PAD_MODES[mode], value or 0.0)


def zeros_like(name: Named, input: Value, **options: Any) -> Value:
    """``torch.zeros_like``."""
    return input.with_tensor(keras.ops.zeros_like(input.tensor))


def ones_like(name: Named, input: Value, **options: Any) -> Value:
    """``torch.ones_like``."""
    return input.with_tensor(keras.ops.ones_like(input.tensor))


def filled(constant: float, sizes: Sequence[Any]) -> Value:
    """Return a constant tensor for sizes some of which are those of another tensor."""
    unknown = [size for size in sizes if isinstance(size, UnknownSize)]
    model = next((size.value for size in unknown if size.value is not None), None)
    if model is None or model.rank != len(sizes):
        raise ConversionError("A constant tensor has a size that is unknown; give input_shape=.")
    value = model
    for axis, size in enumerate(sizes):
        if isinstance(size, UnknownSize):
            if not size.is_size(model, axis):
                raise ConversionError("A constant tensor has a size that is unknown; give input_shape=.")
        elif size != value.static_shape[axis]:
            value = shaping.repeated(shaping.cut(value, axis, 0, 1), axis, size)
    make = keras.ops.zeros_like if constant == 0 else keras.ops.ones_like
    return value.with_tensor(make(value.tensor))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chunk": chunk,
    "split": split,
    "narrow": narrow,
    "slice": cut,
    "select": select,
    "getitem": getitem,
    "view": view,
    "view_as": view_as,
    "flatten": flatten,
    "unflatten": unflatten,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "permute": permute,
    "transpose": transpose,
    "expand": expand,
    "repeat": repeat,
    "repeat_interleave": repeat_interleave,
    "flip": flip,
    "channel_shuffle": channel_shuffle,
    "pad": pad,
    "zeros_like": zeros_like,
    "ones_like": ones_like,
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
