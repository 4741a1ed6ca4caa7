"""Functions of PyTorch that join, split, move or reshape tensors, by PyTorch's names and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from tfdeconv import layers
from tfdeconv.convert.graph import combining, shaping
from tfdeconv.convert.graph.values import UnknownSize, Value
from tfdeconv.convert.kernels import as_array
from tfdeconv.convert.operators import activations, convolutions, normalizations
from tfdeconv.convert.pytorch import functions, shapes
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
    steps = convolutions.dense(place, functions.constant(weight, "weight"), functions.constant(bias, "bias"))
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
    scale, offset = functions.constant(weight, "weight"), functions.constant(bias, "bias")
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
    first, second = shapes.chunk(name, input, 2, dim)
    return combining.combine("mul", first, second.everywhere([keras.ops.sigmoid]))


def cat(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.cat``."""
    return combining.concatenate(tensors, dim, name)


def stack(name: Named, tensors: Sequence[Any], dim: int = 0) -> Value:
    """``torch.stack``."""
    if not all(isinstance(tensor, Value) for tensor in tensors):
        raise ConversionError("A constant is stacked on a tensor, which fits one batch size only.")
    return combining.concatenate([shaping.unsqueeze(tensor, dim) for tensor in tensors], dim, name)


def _reduction(kind: str) -> Callable[..., Value]:
    def function(
        name: Named, input: Value, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
    ) -> Value:
        axes = None if dim is None or dim == [] else shapes.listed(dim, ())
        return shaping.reduce(input, kind, axes, keepdims=keepdim)

    return function


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
    return input.through(functions.interpolate(place, size, scale_factor, mode, **options, factors=factors))


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
    if input.rank != 4 or any(functions.per_axis("padding", padding, 2, minimum=0)) or ceil_mode:
        raise ConversionError(
            f"returns the indices of a max pooling with padding={padding} and ceil_mode={ceil_mode} on "
            f"{input.rank - 2} spatial axes; only images without padding have an exact layer."
        )
    if any(rate != 1 for rate in functions.per_axis("dilation", dilation, 2)):
        raise ConversionError("max_pool has dilation above 1, which has no layer.")
    layer = layers.MaxPooling2DWithSwitches(
        functions.per_axis("kernel_size", kernel_size, 2),
        functions.per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
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
    if any(functions.per_axis("padding", padding, 2, minimum=0)):
        raise ConversionError(f"max_unpool has padding={padding}; only 0 has an exact layer.")
    layer = layers.MaxUnpooling2D(
        functions.per_axis("kernel_size", kernel_size, 2),
        functions.per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
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
    **shapes.FUNCTIONS,
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
    **{kind: _reduction(kind) for kind in ("mean", "sum", "amax", "amin")},
    "interpolate": interpolate,
    "upsample_nearest": upsample_vec("nearest"),
    **{f"upsample_nearest{rank}d": upsample_vec("nearest") for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": upsample_vec("nearest-exact") for rank in (1, 2, 3)},
    "upsample_linear1d": upsample_vec("linear"),
    "upsample_bilinear2d": upsample_vec("bilinear"),
    "upsample_trilinear3d": upsample_vec("trilinear"),
    **dict.fromkeys(DROPOUTS, dropout),
    **{f"max_pool{rank}d_with_indices": max_pool_with_indices for rank in (1, 2, 3)},
    "max_pool_with_indices": max_pool_with_indices,
    "max_unpool2d": max_unpool,
    **dict.fromkeys(("contiguous", "clone", "detach", "same", "cpu", "requires_grad_"), same),
    **{name: pointwise(operation) for name, operation in activations.POINTWISE.items()},
}  # fmt: skip
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
