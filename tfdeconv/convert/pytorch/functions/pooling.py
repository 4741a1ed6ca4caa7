"""PyTorch's pooling, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tfdeconv import layers
from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import by_size
from tfdeconv.convert.graph.values import Value
from tfdeconv.convert.operators import pooling
from tfdeconv.convert.operators.place import Place, Step
from tfdeconv.convert.pytorch.functions.arguments import per_axis
from tfdeconv.errors import ConversionError

Steps = list[Step]
Named = str | None


def max_pool(
    place: Place,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Steps:
    """``F.max_pool1d`` to ``F.max_pool3d``."""
    rank = place.known_rank()
    window = per_axis("kernel_size", kernel_size, rank)
    return pooling.max_pool(
        place,
        window,
        per_axis("stride", stride, rank) if stride is not None and stride != [] else window,
        [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        dilation_rate=per_axis("dilation", dilation, rank),
        ceil_mode=ceil_mode,
    )


def avg_pool(
    place: Place,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Steps:
    """``F.avg_pool1d`` to ``F.avg_pool3d``."""
    if divisor_override is not None:
        raise ConversionError(f"has divisor_override={divisor_override}; only None has a layer.")
    rank = place.known_rank()
    window = per_axis("kernel_size", kernel_size, rank)
    return pooling.average_pool(
        place,
        window,
        per_axis("stride", stride, rank) if stride is not None and stride != [] else window,
        [(p, p) for p in per_axis("padding", padding, rank, minimum=0)],
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


def adaptive_avg_pool(name: Named, input: Value, output_size: Any) -> Value:
    """``F.adaptive_avg_pool1d`` to ``F.adaptive_avg_pool3d``."""
    place = input.place(name)
    wanted = _output_sizes(place, output_size)
    sizes = [input.shape[axis] if size is None else size for axis, size in enumerate(wanted, start=2)]
    free = zip(wanted, input.static_shape[2:], strict=True)
    if any(size is None and out is not None for out, size in free) and set(wanted) != {1}:
        return by_size.resize(input, sizes, "area", name=name)
    return input.through(pooling.adaptive_pool(place, "average", wanted))


def adaptive_max_pool(place: Place, output_size: Any, return_indices: bool = False) -> Steps:
    """``F.adaptive_max_pool1d`` to ``F.adaptive_max_pool3d``."""
    if return_indices:
        raise ConversionError("has return_indices=True, which has no layer for adaptive pooling.")
    return pooling.adaptive_pool(place, "max", _output_sizes(place, output_size))


def _output_sizes(place: Place, output_size: Any) -> Sequence[int | None]:
    rank = place.known_rank()
    return list(output_size) if isinstance(output_size, list | tuple) else [output_size] * rank


class Switches:
    """The indices that a max pooling returned; only max_unpool takes them."""

    def __init__(self, tensor: Any, windows: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.tensor, self.windows, self.strides = tensor, windows, strides


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
    if input.rank != 4 or any(per_axis("padding", padding, 2, minimum=0)) or ceil_mode:
        raise ConversionError(
            f"returns the indices of a max pooling with padding={padding} and ceil_mode={ceil_mode} on "
            f"{input.rank - 2} spatial axes; only images without padding have an exact layer."
        )
    if any(rate != 1 for rate in per_axis("dilation", dilation, 2)):
        raise ConversionError("max_pool has dilation above 1, which has no layer.")
    layer = layers.MaxPooling2DWithSwitches(
        per_axis("kernel_size", kernel_size, 2),
        per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
        data_format=input.data_format,
        dtype=input.dtype,
        name=name,
    )
    pooled, switches = layer(input.image())
    return input.through([lambda _: pooled]), Switches(switches, layer.pool_size, layer.strides)


def max_unpool(
    name: Named,
    input: Value,
    indices: Any,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Value:
    """``F.max_unpool2d`` by the indices of a pooling of the same forward; ``aten``'s has no windows."""
    if not isinstance(indices, Switches):
        raise ConversionError("max_unpool needs the indices that a max_pool of the same forward returned.")
    if any(per_axis("padding", padding, 2, minimum=0)):
        raise ConversionError(f"max_unpool has padding={padding}; only 0 has an exact layer.")
    if kernel_size is None:
        kernel_size, stride = indices.windows, indices.strides
    layer = layers.MaxUnpooling2D(
        per_axis("kernel_size", kernel_size, 2),
        per_axis("stride", stride, 2) if stride is not None and stride != [] else None,
        data_format=input.data_format,
        dtype=input.dtype,
        name=name,
    )
    sizes = None if output_size is None else list(output_size)[-2:]
    pair = [input.image(), indices.tensor]
    if sizes is None:
        return input.through([lambda _: layer(pair)])
    if not by_size.any_unknown(sizes):
        return input.through([lambda _: layer(pair, output_shape=tuple(map(int, sizes)))])
    axis = next(size.measured for size in sizes if isinstance(size, UnknownSize))
    if (
        axis is None
        or axis.value.rank != 4
        or not all(_matches(size, axis.value, at) for at, size in enumerate(sizes, 2))
    ):
        raise ConversionError("max_unpool has an output_size that is unknown; give input_shape=.")
    like = axis.value.image()
    return input.through([lambda _: layer(pair, like=like)])


def _matches(size: Any, value: Value, axis: int) -> bool:
    if isinstance(size, UnknownSize):
        return size.is_size(value, axis)
    return bool(size == value.static_shape[axis])


STEPS: dict[str, Callable[..., Steps]] = {
    **{f"max_pool{rank}d": max_pool for rank in (1, 2, 3)},
    **{f"avg_pool{rank}d": avg_pool for rank in (1, 2, 3)},
    **{f"adaptive_max_pool{rank}d": adaptive_max_pool for rank in (1, 2, 3)},
}
"""PyTorch's name -> the steps of a function of one tensor of samples."""

VALUES: dict[str, Callable[..., Any]] = {
    **{f"adaptive_avg_pool{rank}d": adaptive_avg_pool for rank in (1, 2, 3)},
    **{f"max_pool{rank}d_with_indices": max_pool_with_indices for rank in (1, 2, 3)},
    "max_pool_with_indices": max_pool_with_indices,
    "max_unpool2d": max_unpool,
}
"""PyTorch's name -> a function of values; the first argument is the name of the layer."""
