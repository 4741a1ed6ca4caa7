"""Functions of PyTorch that move, cut, repeat or reshape tensors, by PyTorch's names and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size, combining, shaping
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.pytorch.functions.arguments import keep_dtype
from tfdeconv.errors import ConversionError

Named = str | None


def _length(value: Value, dim: int) -> int:
    size = value.static_shape[dim]
    if size is None:
        raise ConversionError(f"Axis {dim} is divided and its size is unknown; give input_shape=.")
    return size


def chunk(name: Named, input: Value, chunks: int, dim: int = 0) -> tuple[Value, ...]:
    """``torch.chunk``; halves of whatever size, more parts of a size that is known."""
    size = input.shape[dim]
    if isinstance(size, UnknownSize) and chunks == 2:
        half = (size + 1) // 2
        return (shaping.cut(input, dim, None, half), shaping.cut(input, dim, half, None))
    return split(name, input, -(-_length(input, dim) // chunks), dim)


def split(name: Named, input: Value, split_size: int | Sequence[int], dim: int = 0) -> tuple[Value, ...]:
    """``torch.split``."""
    if isinstance(split_size, int):
        size = _length(input, dim)
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


def select(name: Named, input: Value, dim: int, index: Any) -> Value:
    """``torch.select``."""
    return shaping.take(input, dim, index)


def getitem(name: Named, input: Value, key: Any) -> Value:
    """``x[key]`` by numbers, slices, None and the ellipsis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    keys = [
        one if one is None or one is ... or isinstance(one, int | slice | UnknownSize) else _positions(one)
        for one in keys
    ]
    if sum(isinstance(one, np.ndarray) for one in keys) > 1:
        raise ConversionError("Indexing by several lists at once has no layer; index by one after another.")
    if any(one is ... for one in keys):
        at = next(n for n, one in enumerate(keys) if one is ...)
        missing = input.rank - sum(one is not None and one is not ... for one in keys)
        keys[at : at + 1] = [slice(None)] * missing
    value, axis = input, 0
    if any(isinstance(one, slice) and by_size.any_unknown([one.start, one.stop]) for one in keys):
        value, keys = _cut_by_sizes(name, value, keys)
    for one in keys:
        if one is None:
            value = shaping.unsqueeze(value, axis)
        elif isinstance(one, int | UnknownSize):
            value = shaping.take(value, axis, one)
            continue
        elif isinstance(one, np.ndarray):
            value = shaping.gather(value, axis, one)
        else:
            value = shaping.cut(value, axis, one.start, one.stop, 1 if one.step is None else one.step)
        axis += 1
    return value


def _cut_by_sizes(name: Named, value: Value, keys: Sequence[Any]) -> tuple[Value, list[Any]]:
    """The value after the slices of a key, and the key without them."""
    cuts: list[tuple[int, Any, Any, int]] = []
    axis = 0
    for one in keys:
        if isinstance(one, slice) and one != slice(None):
            stop = by_size.from_the_end(one.stop, value, axis)
            cuts.append((axis, one.start, stop, 1 if one.step is None else one.step))
        axis += one is not None
    return by_size.cut(value, cuts, name), [slice(None) if isinstance(one, slice) else one for one in keys]


def _positions(key: Any) -> Any:
    """The constant list of positions that an axis is indexed by."""
    if isinstance(key, Value):
        raise ConversionError(
            "Indexing by a tensor that is computed has no layer; only by constant positions."
        )
    return as_array(key)


def index_select(name: Named, input: Value, dim: int, index: Any) -> Value:
    """``torch.index_select`` by constant positions."""
    return shaping.gather(input, dim, _positions(index))


def unbind(name: Named, input: Value, dim: int = 0) -> tuple[Value, ...]:
    """``torch.unbind``."""
    return tuple(shaping.take(input, dim, index) for index in range(_length(input, dim)))


def tensor_split(name: Named, input: Value, indices_or_sections: Any, dim: int = 0) -> tuple[Value, ...]:
    """``torch.tensor_split`` into parts of nearly equal size, or at positions."""
    size = _length(input, dim)
    if isinstance(indices_or_sections, int):
        short, more = divmod(size, indices_or_sections)
        sizes = [short + (part < more) for part in range(indices_or_sections)]
    else:
        ends = [0, *indices_or_sections, size]
        sizes = [last - first for first, last in pairwise(ends)]
    return tuple(shaping.split(input, dim, sizes))


def movedim(name: Named, input: Value, source: Any, destination: Any) -> Value:
    """``torch.movedim``."""
    sources = [axis % input.rank for axis in listed(source, ())]
    targets = [axis % input.rank for axis in listed(destination, ())]
    order = [axis for axis in range(input.rank) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return shaping.permute(input, order)


def roll(name: Named, input: Value, shifts: Any, dims: Any = None) -> Value:
    """``torch.roll`` of axes behind the batch."""
    axes = [] if dims is None else [axis % input.rank for axis in listed(dims, ())]
    if not axes or 0 in axes:
        raise ConversionError("roll without dims, or of the batch, mixes pictures; it has no layer.")
    tensor = input.tensor
    for shift, axis in zip(listed(shifts, ()), axes, strict=True):
        tensor = keras.ops.roll(tensor, shift, axis=input.keras_axis(axis))
    return input.with_tensor(tensor)


def new_zeros(name: Named, input: Value, *size: Any, dtype: Any = None, **options: Any) -> Value:
    """``Tensor.new_zeros``."""
    keep_dtype("new_zeros", input, dtype)
    return shaping.filled(0.0, listed(size[0], size[1:]) if size else options["size"], input.dtype)


def new_ones(name: Named, input: Value, *size: Any, dtype: Any = None, **options: Any) -> Value:
    """``Tensor.new_ones``."""
    keep_dtype("new_ones", input, dtype)
    return shaping.filled(1.0, listed(size[0], size[1:]) if size else options["size"], input.dtype)


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


def matrix_transpose(name: Named, input: Value) -> Value:
    """``Tensor.mT``."""
    return shaping.transpose(input, -2, -1)


def transpose(name: Named, input: Value, dim0: int, dim1: int) -> Value:
    """``torch.transpose``."""
    return shaping.transpose(input, dim0, dim1)


def expand(name: Named, input: Value, *sizes: Any) -> Value:
    """``Tensor.expand`` where it changes nothing, or repeats an axis of size 1 known times."""
    wanted = listed(sizes[0], sizes[1:])
    value = input
    if value.rank < len(wanted):
        raise ConversionError("expand adds an axis in front of the batch, which has no layer.")
    shape = input.static_shape
    if any(
        isinstance(size, UnknownSize) and known == 1
        for size, known in zip(wanted[1:], shape[1:], strict=True)
    ):
        full = [
            own if isinstance(size, int) and size == -1 else size
            for size, own in zip(wanted, input.shape, strict=True)
        ]
        return combining.combine("add", shaping.filled(0.0, full, input.dtype), input)
    for axis, (size, known) in enumerate(zip(wanted, shape, strict=True)):
        if isinstance(size, UnknownSize):
            if axis and not size.is_size(input, axis):
                raise ConversionError(f"expand gives axis {axis} a size that is unknown; give input_shape=.")
            continue
        if size in (-1, known):
            continue
        if known != 1:
            raise ConversionError(f"expand gives axis {axis} the size {size}, and it is not known to be 1.")
        value = shaping.repeated(value, axis, int(size))
    return value


def expand_as(name: Named, input: Value, other: Value) -> Value:
    """``Tensor.expand_as``: in any sizes, by adding zeros."""
    return combining.combine("add", zeros_like(None, other), input)


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


PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(
    name: Named, input: Value, pad: Sequence[Any], mode: str = "constant", value: float | None = None
) -> Value:
    """``F.pad``: pairs from the last axis to the first."""
    numbers = [number if isinstance(number, UnknownSize) else int(number) for number in pad]
    pairs = [(numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 2)][::-1]
    around: list[tuple[Any, Any]] = [(0, 0)] * (input.rank - len(pairs)) + pairs
    if mode not in PAD_MODES:
        raise ConversionError(f"pad has mode={mode!r}; known are {', '.join(PAD_MODES)}.")
    return shaping.pad(input, around, PAD_MODES[mode], value or 0.0, name)


def full_like(name: Named, input: Value, fill_value: float, *, dtype: Any = None, **options: Any) -> Value:
    """``torch.full_like``."""
    keep_dtype("full_like", input, dtype)
    return input.with_tensor(keras.ops.full_like(input.tensor, fill_value))


def zeros_like(name: Named, input: Value, *, dtype: Any = None, **options: Any) -> Value:
    """``torch.zeros_like``."""
    keep_dtype("zeros_like", input, dtype)
    return input.with_tensor(keras.ops.zeros_like(input.tensor))


def ones_like(name: Named, input: Value, *, dtype: Any = None, **options: Any) -> Value:
    """``torch.ones_like``."""
    keep_dtype("ones_like", input, dtype)
    return input.with_tensor(keras.ops.ones_like(input.tensor))


def cat(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.cat``."""
    return combining.concatenate(tensors, dim, name)


def stack(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.stack``."""
    if not all(isinstance(tensor, Value) for tensor in tensors):
        raise ConversionError("A constant is stacked on a tensor, which fits one batch size only.")
    return combining.concatenate([shaping.unsqueeze(tensor, dim) for tensor in tensors], dim, name)


def same(name: Named, input: Value, *args: Any, **kwargs: Any) -> Value:
    """Functions that change neither numbers nor shape."""
    return input


VALUES: dict[str, Callable[..., Any]] = {
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
    "mT": matrix_transpose,
    "expand": expand,
    "expand_as": expand_as,
    "index_select": index_select,
    "unbind": unbind,
    "tensor_split": tensor_split,
    "movedim": movedim,
    "roll": roll,
    "new_zeros": new_zeros,
    "new_ones": new_ones,
    "repeat": repeat,
    "repeat_interleave": repeat_interleave,
    "flip": flip,
    "channel_shuffle": channel_shuffle,
    "pad": pad,
    "full_like": full_like,
    "zeros_like": zeros_like,
    "ones_like": ones_like,
    "cat": cat,
    "stack": stack,
    **dict.fromkeys(("contiguous", "clone", "detach", "same", "cpu", "requires_grad_"), same),
    "assert_tensor_metadata": same,  # what torch.export notes before a cast
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
