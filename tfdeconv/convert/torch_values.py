"""Functions of PyTorch that join, split, move or reshape tensors, by PyTorch's names and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfdeconv import layers
from tfdeconv.convert import torch_functions
from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import UnknownSize, Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.operators import activations, convolutions, normalizations
from tfdeconv.errors import ConversionError

Named = str | None


class Switches:
    """The indices that a max pooling returned; only max_unpool takes them."""

    def __init__(self, tensor: Any, pooled: Value) -> None:
        self.tensor, self.pooled = tensor, pooled


def _operand(value: Any) -> Any:
    return value if isinstance(value, Value | int | float) else as_array(value)


def _binary(kind: str) -> Callable[..., Value]:
    def function(name: Named, input: Any, other: Any, *, alpha: float = 1, inplace: bool = False) -> Value:
        if isinstance(input, Switches) or isinstance(other, Switches):
            raise ConversionError("The indices of a max pooling are only taken by max_unpool.")
        if alpha != 1:
            other = combining.combine("mul", other, alpha) if isinstance(other, Value) else other * alpha
        return combining.combine(kind, _operand(input), _operand(other), name)

    return function


def div(name: Named, input: Any, other: Any, *, rounding_mode: str | None = None) -> Value:
    """``torch.div``."""
    if rounding_mode is not None:
        raise ConversionError(f"div has rounding_mode={rounding_mode!r}; only None has a layer.")
    return combining.combine("div", _operand(input), _operand(other), name)


def rsub(name: Named, input: Any, other: Any, *, alpha: float = 1) -> Value:
    """``torch.rsub``: other - alpha * input."""
    return _binary("sub")(name, other, input, alpha=alpha)


def square_or_power(name: Named, input: Any, exponent: Any) -> Value:
    """``torch.pow``."""
    if isinstance(input, Value) and isinstance(exponent, int | float) and exponent == 2:
        return input.everywhere([keras.ops.square])
    return combining.combine("pow", _operand(input), _operand(exponent), name)


def matmul(name: Named, input: Any, other: Any) -> Value:
    """``torch.matmul``, ``torch.bmm`` and ``@``."""
    return combining.matmul(_operand(input), _operand(other))


def linear(name: Named, input: Value, weight: Any, bias: Any = None) -> Value:
    """``F.linear``: a Dense layer on the last axis."""
    place = input.place(name)
    steps = convolutions.dense(
        place, torch_functions.constant(weight, "weight"), torch_functions.constant(bias, "bias")
    )
    return shaping.on_last_axis(input, steps)


def layer_norm(
    name: Named,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Value:
    """``F.layer_norm`` over the last axis."""
    if len(normalized_shape) != 1:
        raise ConversionError(
            f"layer_norm normalises over {len(normalized_shape)} axes; only one, the last, has a layer."
        )
    scale, offset = torch_functions.constant(weight, "weight"), torch_functions.constant(bias, "bias")
    return shaping.on_last_axis(
        input,
        normalizations.layer_normalization(
            input.place(name), scale, offset, size=normalized_shape[0], epsilon=eps
        ),
    )


def normalize(name: Named, input: Value, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Value:
    """``F.normalize`` by the Euclidean norm."""
    if p != 2:
        raise ConversionError(f"normalize has p={p}; only 2 has a layer.")
    axis = input.keras_axis(dim)
    norm = keras.ops.sqrt(keras.ops.sum(keras.ops.square(input.tensor), axis=axis, keepdims=True))
    return input.with_tensor(input.tensor / keras.ops.maximum(norm, eps))


def softmax(
    name: Named,
    input: Value,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: Any = None,
    log: bool = False,
) -> Value:
    """``F.softmax``."""
    if dim is None:
        raise ConversionError("softmax without dim is ambiguous; name the axis.")
    return input.everywhere(
        activations.softmax(input.place(name), input.keras_axis(dim) - input.rank, log=log)
    )


def log_softmax(
    name: Named, input: Value, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Value:
    """``F.log_softmax``."""
    return softmax(name, input, dim, log=True)


def glu(name: Named, input: Value, dim: int = -1) -> Value:
    """``F.glu``: one half times the sigmoid of the other."""
    first, second = chunk(name, input, 2, dim)
    return combining.combine("mul", first, second.everywhere([keras.ops.sigmoid]))


def cat(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.cat``."""
    return combining.concatenate(tensors, dim, name)


def stack(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.stack``."""
    if not all(isinstance(tensor, Value) for tensor in tensors):
        raise ConversionError("A constant is stacked on a tensor, which fits one batch size only.")
    return combining.concatenate([shaping.unsqueeze(tensor, dim) for tensor in tensors], dim, name)


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


def _listed(first: Any, rest: Sequence[Any]) -> list[Any]:
    return list(first) if isinstance(first, list | tuple) else [first, *rest]


def view(name: Named, input: Value, *shape: Any, size: Any = None) -> Value:
    """``Tensor.view`` and ``torch.reshape``."""
    return shaping.reshape(input, _listed(shape[0] if shape else size, shape[1:]))


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
    return shaping.squeeze(input, None if dim is None else _listed(dim, ()))


def unsqueeze(name: Named, input: Value, dim: int) -> Value:
    """``torch.unsqueeze``."""
    return shaping.unsqueeze(input, dim)


def permute(name: Named, input: Value, *dims: Any) -> Value:
    """``torch.permute``."""
    return shaping.permute(input, _listed(dims[0], dims[1:]))


def transpose(name: Named, input: Value, dim0: int, dim1: int) -> Value:
    """``torch.transpose``."""
    return shaping.transpose(input, dim0, dim1)


def expand(name: Named, input: Value, *sizes: Any) -> Value:
    """``Tensor.expand`` where it changes nothing, or repeats an axis of size 1 known times."""
    wanted = _listed(sizes[0], sizes[1:])
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
    times = _listed(sizes[0], sizes[1:])
    if len(times) != input.rank or times[0] != 1:
        raise ConversionError(f"repeat by {times} adds axes or repeats the batch, which has no layer.")
    value = input
    for axis, count in enumerate(times):
        if count != 1:
            value = combining.concatenate([value] * count, axis)
    return value


def _reduction(kind: str) -> Callable[..., Value]:
    def function(
        name: Named, input: Value, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
    ) -> Value:
        axes = None if dim is None or dim == [] else _listed(dim, ())
        return shaping.reduce(input, kind, axes, keepdims=keepdim)

    return function


def flip(name: Named, input: Value, *dims: Any) -> Value:
    """``torch.flip``."""
    axes = [input.keras_axis(dim) for dim in _listed(dims[0], dims[1:])]
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
    if mode not in torch_functions.PAD_MODES:
        raise ConversionError(f"pad has mode={mode!r}; known are {', '.join(torch_functions.PAD_MODES)}.")
    return shaping.pad(input, around, torch_functions.PAD_MODES[mode], value or 0.0)


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
    return input.through(
        torch_functions.interpolate(place, size, scale_factor, mode, **options, factors=factors)
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


def dropout(
    name: Named, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False, **aten: Any
) -> Value:
    """``F.dropout`` and its kin, which do nothing in evaluation mode."""
    if aten.pop("train", training) and p:
        raise ConversionError(
            "dropout is called with training=True, so that the result is random even in evaluation mode. "
            "Pass training=self.training."
        )
    return input


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


def max_pool_with_indices(
    name: Named,
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Value, Switches]:
    """``F.max_pool2d`` with return_indices=True."""
    if input.rank != 4 or any(torch_functions.per_axis("padding", padding, 2, minimum=0)) or ceil_mode:
        raise ConversionError(
            f"returns the indices of a max pooling with padding={padding} and ceil_mode={ceil_mode} on "
            f"{input.rank - 2} spatial axes; only images without padding have an exact layer."
        )
    if any(rate != 1 for rate in torch_functions.per_axis("dilation", dilation, 2)):
        raise ConversionError("max_pool has dilation above 1, which has no layer.")
    layer = layers.MaxPooling2DWithSwitches(
        torch_functions.per_axis("kernel_size", kernel_size, 2),
        torch_functions.per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
        data_format=input.data_format,
        dtype=input.dtype,
        name=name,
    )
    pooled, switches = layer(input.image())
    return input.through([lambda _: pooled]), Switches(switches, input)


def max_unpool(
    name: Named,
    input: Value,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Value:
    """``F.max_unpool2d`` by the indices of a pooling of the same forward."""
    if not isinstance(indices, Switches):
        raise ConversionError("max_unpool needs the indices that a max_pool of the same forward returned.")
    if any(torch_functions.per_axis("padding", padding, 2, minimum=0)):
        raise ConversionError(f"max_unpool has padding={padding}; only 0 has an exact layer.")
    layer = layers.MaxUnpooling2D(
        torch_functions.per_axis("kernel_size", kernel_size, 2),
        torch_functions.per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
        data_format=input.data_format,
        dtype=input.dtype,
        name=name,
    )
    sizes = None if output_size is None else list(output_size)[-2:]
    pair = [input.image(), indices.tensor]
    if sizes is None:
        return input.through([lambda _: layer(pair)])
    if not any(isinstance(size, UnknownSize) for size in sizes):
        return input.through([lambda _: layer(pair, output_shape=tuple(map(int, sizes)))])
    model = next(size.value for size in sizes if isinstance(size, UnknownSize))
    if (
        model is None
        or model.rank != 4
        or not all(_matches(s, model, axis) for axis, s in enumerate(sizes, 2))
    ):
        raise ConversionError("max_unpool has an output_size that is unknown; give input_shape=.")
    like = model.image()
    return input.through([lambda _: layer(pair, like=like)])


def _matches(size: Any, value: Value, axis: int) -> bool:
    if isinstance(size, UnknownSize):
        return size.is_size(value, axis)
    return bool(size == value.static_shape[axis])


def same(name: Named, input: Value, *args: Any, **kwargs: Any) -> Value:
    """Functions that change neither numbers nor shape."""
    return input


def pointwise(operation: Callable[[Any], Any]) -> Callable[..., Value]:
    """Return the function that applies ``operation`` to every element."""

    def function(name: Named, input: Value) -> Value:
        return input.everywhere([operation])

    return function


ALIASES = {
    "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "concat": "cat",
    "concatenate": "cat", "reshape": "view", "reshape_as": "view_as", "swapaxes": "transpose",
    "swapdims": "transpose", "negative": "neg", "clip": "clamp", "hardswish_": "hardswish", "bmm": "matmul",
    "max_pool2d_with_indices": "max_pool_with_indices", "split_with_sizes": "split", "unsafe_chunk": "chunk",
    "unsafe_split": "split", "_unsafe_view": "view", "logsigmoid": "log_sigmoid", "upsample": "interpolate",
    "native_channel_shuffle": "channel_shuffle", "alias": "same",
}  # fmt: skip

DROPOUTS = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "feature_dropout",
)  # fmt: skip
"""Functions that do nothing in evaluation mode."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _binary(name) for name in ("add", "sub", "mul", "maximum", "minimum")},
    "div": div,
    "rsub": rsub,
    "pow": square_or_power,
    "matmul": matmul,
    "linear": linear,
    "layer_norm": layer_norm,
    "normalize": normalize,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "glu": glu,
    "cat": cat,
    "stack": stack,
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
    **{kind: _reduction(kind) for kind in ("mean", "sum", "amax", "amin")},
    "flip": flip,
    "channel_shuffle": channel_shuffle,
    "pad": pad,
    "interpolate": interpolate,
    "upsample_nearest": upsample_vec("nearest"),
    **{f"upsample_nearest{rank}d": upsample_vec("nearest") for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": upsample_vec("nearest-exact") for rank in (1, 2, 3)},
    "upsample_linear1d": upsample_vec("linear"),
    "upsample_bilinear2d": upsample_vec("bilinear"),
    "upsample_trilinear3d": upsample_vec("trilinear"),
    **dict.fromkeys(DROPOUTS, dropout),
    "zeros_like": zeros_like,
    "ones_like": ones_like,
    **{f"max_pool{rank}d_with_indices": max_pool_with_indices for rank in (1, 2, 3)},
    "max_pool_with_indices": max_pool_with_indices,
    "max_unpool2d": max_unpool,
    **dict.fromkeys(("contiguous", "clone", "detach", "same", "cpu", "requires_grad_"), same),
    **{name: pointwise(operation) for name, operation in activations.POINTWISE.items()},
}  # fmt: skip
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
