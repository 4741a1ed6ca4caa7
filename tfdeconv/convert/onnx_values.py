"""ONNX operators that join, split, move or reshape tensors, by ONNX's inputs and attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdeconv import layers
from tfdeconv.convert import onnx_unpooling
from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import UnknownSize, Value
from tfdeconv.convert.onnx_nodes import constant, known_number, only, optional, padded, per_axis
from tfdeconv.convert.onnx_unpooling import Flattened, Switches
from tfdeconv.convert.operators import activations, convolutions, normalizations, pooling
from tfdeconv.errors import ConversionError

Named = str | None


class GroupedView:
    """An image whose channels and samples are seen as groups: ``[batch, groups, -1]``.

    So exporters write group normalisation; nothing is moved for it.
    """

    def __init__(self, image: Value, groups: int) -> None:
        self.image, self.groups = image, groups


def binary(kind: str, name: Named, first: Any, second: Any) -> Any:
    """Add, Sub, Mul, Div."""
    if kind == "sub" and isinstance(first, Switches):
        return onnx_unpooling.within_planes(first, second)
    if kind == "add" and isinstance(first, Switches):
        return onnx_unpooling.within_batch(first, second)
    return combining.combine(kind, first, second, name)


def power(name: Named, first: Any, second: Any) -> Value:
    """Pow."""
    if isinstance(first, Value) and not isinstance(second, Value) and second.size == 1 and second.item() == 2:
        return first.everywhere([keras.ops.square])
    return combining.combine("pow", first, second, name)


def variadic(kind: str, name: Named, *values: Any) -> Any:
    """Sum, Max, Min of any number of tensors."""
    result = values[0]
    for value in values[1:]:
        result = combining.combine(kind, result, value)
    return result


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
        return onnx_unpooling.first_places(value, first, last)
    along = range(len(first)) if axes is None else axes
    for axis, start, stop, step in zip(along, first, last, np.ravel(steps), strict=True):
        stop = known_number(stop)
        end = None if stop >= 2**31 - 1 else stop
        value = shaping.cut(value, int(axis), known_number(start), end, int(step))
    return value


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
    numbers = [known_number(number) for number in numbers]
    fill = optional(constant_value, "value (input 2)")
    along = range(x.rank) if axes is None else [int(a) % x.rank for a in constant(axes, "axes (input 3)")]
    around = [(0, 0)] * x.rank
    half = len(numbers) // 2
    for axis, before, after in zip(along, numbers[:half], numbers[half:], strict=True):
        around[axis] = (before, after)
    only("mode", mode, "constant", "reflect", "edge", "wrap")
    return shaping.pad(x, around, mode, value if fill is None or not fill.size else fill.item())


def transpose(name: Named, value: Value, *, perm: Sequence[int] | None = None) -> Value:
    """Transpose: the axes are renamed, nothing moves."""
    return shaping.permute(value, perm if perm is not None else range(value.rank)[::-1])


def reshape(name: Named, value: Any, shape: Any = None, *, allowzero: int = 0) -> Any:
    """Reshape behind the batch; group normalisation's views of an image stay what they are."""
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
        if len(sizes) == len(known) and all(_same_size(s, image, axis) for axis, s in enumerate(sizes)):
            return image
        raise ConversionError("reshapes grouped channels to something else than what they were.")
    sizes = [
        known[axis] if not isinstance(size, UnknownSize) and size == 0 and not allowzero else size
        for axis, size in enumerate(sizes)
    ]
    sizes = [size if isinstance(size, UnknownSize) else int(size) for size in sizes]
    groups = sizes[1] if len(sizes) == 3 and sizes[2] == -1 else None
    if isinstance(groups, int) and None in image.static_shape[2:] and _same_size(sizes[0], image, 0):
        return GroupedView(image, groups)
    return shaping.reshape(image, sizes)


def _same_size(size: Any, value: Value, axis: int) -> bool:
    if isinstance(size, UnknownSize):
        return axis == 0 or (size.value is not None and size.axis == axis and size.factor == 1)
    return size == -1 or size == 0 or size == value.static_shape[axis]


def instance_normalization(
    name: Named, value: Any, scale: Any = None, offset: Any = None, *, epsilon: float = 1e-5
) -> Any:
    """InstanceNormalization, of channels or of groups of them."""
    scale, offset = constant(scale, "scale (input 1)"), constant(offset, "bias (input 2)")
    if isinstance(value, GroupedView):
        if not (np.all(scale == 1) and np.all(offset == 0)):
            raise ConversionError("scales groups of channels, which has no exact layer.")
        channels = value.image.static_shape[1]
        if channels is None:
            raise ConversionError("normalises groups of an unknown number of channels.")
        steps = normalizations.group_normalization(
            value.image.place(name), value.groups, None, None, channels=channels, epsilon=epsilon
        )
        return GroupedView(value.image.through(steps), value.groups)
    return value.through(
        normalizations.group_normalization(
            value.place(name), len(scale), scale, offset, channels=len(scale), epsilon=epsilon
        )
    )


def layer_normalization(
    name: Named,
    value: Value,
    scale: Any = None,
    offset: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Value:
    """LayerNormalization of the last axis."""
    only("axis", axis % value.rank, value.rank - 1)
    only("stash_type", stash_type, 1)
    scale = constant(scale, "scale (input 1)")
    return shaping.on_last_axis(
        value,
        normalizations.layer_normalization(
            value.place(name), scale, optional(offset, "bias"), size=len(scale), epsilon=epsilon
        ),
    )


def flatten(name: Named, value: Value, *, axis: int = 1) -> Value:
    """Flatten behind the batch."""
    only("axis", axis % value.rank, 1)
    return shaping.flatten(value, 1)


def _axes(value: Value, given: Any, attribute: Any) -> list[int] | None:
    chosen = attribute if given is None else np.ravel(constant(given, "axes (input 1)")).tolist()
    return None if chosen is None else [int(axis) for axis in chosen]


def squeeze(name: Named, value: Value, given: Any = None, *, axes: Any = None) -> Value:
    """Squeeze."""
    return shaping.squeeze(value, _axes(value, given, axes))


def unsqueeze(name: Named, value: Any, given: Any = None, *, axes: Any = None) -> Any:
    """Unsqueeze."""
    if isinstance(value, Switches):
        return value
    chosen = _axes(value, given, axes) or []
    rank = value.rank + len(chosen)
    for axis in sorted(axis % rank for axis in chosen):
        value = shaping.unsqueeze(value, axis)
    return value


def reduction(
    kind: str,
    name: Named,
    value: Value,
    given: Any = None,
    *,
    axes: Any = None,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> Value:
    """ReduceMean, ReduceSum, ReduceMax, ReduceMin."""
    chosen = _axes(value, given, axes)
    if not chosen and noop_with_empty_axes:
        return value
    return shaping.reduce(value, kind, chosen or None, keepdims=bool(keepdims))


def softmax(
    name: Named, value: Value, *, axis: int | None = None, log: bool = False, opset: int = 13
) -> Value:
    """Softmax; before opset 13 over all axes from ``axis`` on."""
    if axis is None:
        axis = -1 if opset >= 13 else 1
    if opset < 13 and axis % value.rank != value.rank - 1 and value.rank > 2:
        raise ConversionError(f"is taken over all axes from {axis} on in opset {opset}, which has no layer.")
    return value.everywhere(
        activations.softmax(value.place(name), value.keras_axis(axis) - value.rank, log=log)
    )


def log_softmax(name: Named, value: Value, *, axis: int | None = None, opset: int = 13) -> Value:
    """LogSoftmax."""
    return softmax(name, value, axis=axis, log=True, opset=opset)


def matmul(name: Named, first: Any, second: Any) -> Value:
    """MatMul; a Dense layer where the second factor is a constant matrix."""
    if isinstance(first, Value) and not isinstance(second, Value) and second.ndim == 2:
        return shaping.on_last_axis(first, convolutions.dense(first.place(name), second.T, None))
    return combining.matmul(first, second)


def gemm(
    name: Named,
    first: Value,
    second: Any,
    third: Any = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's names
    transB: int = 0,  # noqa: N803
) -> Value:
    """Gemm with a constant matrix: a Dense layer."""
    only("transA", transA, 0)
    weight = constant(second, "matrix (input 1)") * np.asarray(alpha, second.dtype)
    offset = optional(third, "offset (input 2)")
    weight = weight if transB else weight.T
    if offset is not None:
        offset = np.broadcast_to(offset.reshape(-1) * np.asarray(beta, offset.dtype), [weight.shape[0]])
    return first.through(convolutions.dense(first.place(name), weight, offset))


def cast(name: Named, value: Value, *, to: int, saturate: int = 1) -> Value:
    """Cast."""
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(to).name
    if value.dtype == dtype:
        return value
    return value.with_tensor(keras.ops.cast(value.tensor, dtype))


def same(name: Named, value: Any) -> Any:
    """Identity."""
    return value


def dropout(
    name: Named,
    value: Value,
    given_ratio: Any = None,
    training_mode: Any = None,
    *,
    ratio: float = 0.5,
    seed: int | None = None,
) -> Value:
    """Dropout at inference: nothing, whatever the ratio and the seed are."""
    if training_mode is not None and bool(np.any(constant(training_mode, "training_mode (input 2)"))):
        raise ConversionError("drops samples at random (training_mode). Export the model for inference.")
    return value


def shape_of(name: Named, value: Any, *, start: int = 0, end: int | None = None) -> Any:
    """Shape: sizes, as far as they are known."""
    sizes = np.empty(value.rank, object)
    sizes[:] = value.shape
    return sizes[slice(start, end)]


def max_pool(
    name: Named,
    value: Value,
    *,
    kernel_shape: Sequence[int],
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    storage_order: int = 0,
    outputs: int = 1,
) -> Any:
    """MaxPool, with the places of the maxima where there is a second output."""
    rank = len(kernel_shape)
    strides, dilations = per_axis("strides", strides, rank, 1), per_axis("dilations", dilations, rank, 1)
    place = value.place(name)
    around = padded(place, kernel_shape, strides, dilations, pads, auto_pad)
    if outputs == 1:
        steps = pooling.max_pool(
            place, kernel_shape, strides, around, dilation_rate=dilations, ceil_mode=bool(ceil_mode)
        )
        return value.through(steps)
    only("storage_order", storage_order, 0)
    if rank != 2 or any(map(any, around)) or ceil_mode or any(rate != 1 for rate in dilations):
        raise ConversionError("returns indices; only images without padding, ceil_mode and dilation do here.")
    layer = layers.MaxPooling2DWithSwitches(
        tuple(kernel_shape), strides, data_format=value.data_format, dtype=value.dtype, name=name
    )
    pooled, switches = layer(value.image())
    found = Switches(switches, value, tuple(kernel_shape), strides)
    return value.through([lambda _: pooled]), found


def max_unpool(
    name: Named,
    value: Value,
    switches: Any = None,
    output_shape: Any = None,
    *,
    kernel_shape: Sequence[int],
    strides: Any = None,
    pads: Any = None,
) -> Value:
    """MaxUnpool with the indices of a MaxPool of the same model.

    ONNX's indices count in the whole tensor that was pooled, so the output must have its size.
    """
    if not isinstance(switches, Switches):
        raise ConversionError("needs the indices of a MaxPool of the same model.")
    if any(pads or ()):
        raise ConversionError(f"has pads={list(pads)}; only 0 has an exact layer.")
    windows = (tuple(kernel_shape), per_axis("strides", strides, 2, 1))
    if windows != (switches.pool_size, switches.strides):
        raise ConversionError(f"has windows {windows[0]} and strides {windows[1]}; the pooling's are others.")
    sizes = [] if output_shape is None else np.ravel(output_shape).tolist()
    if output_shape is None:
        shape = zip(value.static_shape[2:], *windows, strict=True)
        sizes = [None if size is None else (size - 1) * stride + pool for size, pool, stride in shape]
        fits = tuple(sizes) == switches.pooled.static_shape[2:]
    else:
        fits = all(_same_size(size, switches.pooled, axis) for axis, size in enumerate(sizes))
    if not fits or None in sizes:
        raise ConversionError(
            f"has the output size {sizes}, and what was pooled {list(switches.pooled.static_shape)}: ONNX's "
            "indices count in the tensor that was pooled, so both must be known and the same."
        )
    return onnx_unpooling.unpool(value, switches, name)


def scatter_nd(name: Named, data: Any, indices: Any, updates: Any, *, reduction: str = "none") -> Any:
    """ScatterND, where it unpools."""
    only("reduction", reduction, "none")
    return onnx_unpooling.scatter(data, indices, updates, name)


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
        return shaping.take(value, axis, int(at))
    return value.with_tensor(keras.ops.take(value.tensor, at, axis=value.keras_axis(axis)))


RULES: dict[str, Callable[..., Any]] = {
    **{
        op: partial(binary, kind)
        for op, kind in {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}.items()
    },
    "Pow": power,
    **{
        op: partial(variadic, kind) for op, kind in {"Sum": "add", "Max": "maximum", "Min": "minimum"}.items()
    },
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Pad": pad,
    "Transpose": transpose,
    "Reshape": reshape,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    **{
        f"Reduce{op}": partial(reduction, kind)
        for op, kind in {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin"}.items()
    },
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "MatMul": matmul,
    "Gemm": gemm,
    "Cast": cast,
    "Identity": same,
    "Dropout": dropout,
    "Shape": shape_of,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "ScatterND": scatter_nd,
    "Expand": expand,
    "Tile": tile,
    "Gather": gather,
}
"""ONNX operator -> a function of values; the first argument is the name of the layer."""
