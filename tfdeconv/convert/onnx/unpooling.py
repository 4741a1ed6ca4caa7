"""Max unpooling as PyTorch's exporter writes it: places in the whole batch, and ScatterND.

PyTorch's indices count in the plane of each channel, ONNX's in the whole tensor. So the exporter subtracts
where each plane begins, which a pooling by windows of one sample tells, adds it again for the unpooling,
and scatters the flattened values into flattened zeros. The objects here stand for these tensors on their
way from the pooling to the layer that unpools.

References:
    ``torch.onnx``'s conversions of ``aten::max_pool2d_with_indices`` and ``aten::max_unpool2d``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfdeconv import layers
from tfdeconv.convert.graph.values import Value
from tfdeconv.errors import ConversionError


@dataclass(frozen=True, eq=False)
class Switches:
    """The second output of MaxPool, or what is computed from it on the way to an unpooling.

    Attributes:
        tensor: The switches of ``layers.MaxPooling2DWithSwitches``.
        pooled: What was pooled.
        pool_size: The windows; of one sample where the places only tell where planes begin.
        strides: The steps of the windows.
        counted: Where the places begin: at 0 in the whole "batch", in each "plane", or "first", the first
            place of each plane.
    """

    tensor: Any
    pooled: Value
    pool_size: tuple[int, ...]
    strides: tuple[int, ...]
    counted: str = "batch"

    def moved(self, counted: str) -> Switches:
        """Return the same places counted otherwise."""
        return Switches(self.tensor, self.pooled, self.pool_size, self.strides, counted)


@dataclass(frozen=True, eq=False)
class Flattened:
    """A tensor with all its axes as one, the batch included; or zeros with unpooled values in them."""

    value: Value
    unpooled: bool = False


NOT_UNDERSTOOD = (
    "computes with the indices of a MaxPool in a way that is not understood; only MaxUnpool and PyTorch's "
    "max_unpool2d between fixed sizes are."
)


def first_places(switches: Switches, starts: Any, ends: Any) -> Switches:
    """Slice of the places of a pooling by single samples: where planes begin."""
    single = all(size == 1 for size in switches.pool_size)
    if not (single and switches.counted == "batch" and not np.any(starts) and np.all(np.equal(ends, 1))):
        raise ConversionError(NOT_UNDERSTOOD)
    return switches.moved("first")


def within_planes(switches: Any, first: Any) -> Switches:
    """Sub: places counted in each plane."""
    if not (
        isinstance(switches, Switches)
        and isinstance(first, Switches)
        and (switches.counted, first.counted) == ("batch", "first")
        and switches.pooled.tensor is first.pooled.tensor
    ):
        raise ConversionError(NOT_UNDERSTOOD)
    return switches.moved("plane")


def within_batch(switches: Switches, offsets: Any) -> Switches:
    """Add: places counted in the whole batch again."""
    shape = [size for size in switches.pooled.static_shape if size is not None]
    if not (isinstance(offsets, np.ndarray) and len(shape) == 4 and switches.counted == "plane"):
        raise ConversionError(NOT_UNDERSTOOD)
    planes = np.arange(math.prod(shape[:2])) * math.prod(shape[2:])
    if offsets.shape != (*shape[:2], 1, 1) or not np.array_equal(offsets.ravel(), planes):
        raise ConversionError(NOT_UNDERSTOOD)
    return switches.moved("batch")


def scatter(zeros: Any, switches: Any, values: Any, name: str | None) -> Flattened:
    """ScatterND of flattened values into flattened zeros: the layer that unpools."""
    if not (
        isinstance(switches, Switches) and isinstance(values, Flattened) and isinstance(zeros, np.ndarray)
    ):
        raise ConversionError(NOT_UNDERSTOOD)
    shape = [size for size in switches.pooled.static_shape if size is not None]
    if switches.counted != "batch" or np.any(zeros) or zeros.shape != (math.prod(shape),):
        raise ConversionError(NOT_UNDERSTOOD)
    return Flattened(unpool(values.value, switches, name), unpooled=True)


def unpool(value: Value, switches: Switches, name: str | None) -> Value:
    """Return ``value`` at its places in a tensor of the size that was pooled."""
    layer = layers.MaxUnpooling2D(
        switches.pool_size, switches.strides, data_format=value.data_format, dtype=value.dtype, name=name
    )
    like = switches.pooled.image()
    pair = [value.image(), switches.tensor]
    return value.through([lambda _: layer(pair, like=like)])
