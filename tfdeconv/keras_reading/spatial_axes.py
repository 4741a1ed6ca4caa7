"""Which axes of a tensor are spatial, and how long they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """The spatial sizes of a tensor (None where unknown) and where its channels are.

    Example:
        >>> Layout.of_shape((None, 3, 8, 9), channels_first=True).sizes
        (8, 9)
    """

    sizes: tuple[int | None, ...]
    channels_first: bool = False

    @classmethod
    def of_shape(cls, shape: Sequence[int | None], channels_first: bool) -> Layout:
        """Return the layout of a tensor of ``shape`` ``(batch, ...)``.

        Example:
            >>> Layout.of_shape((None, 8, 9, 3), channels_first=False).sizes
            (8, 9)
        """
        return cls(tuple(shape[2:] if channels_first else shape[1:-1]), channels_first)


def axis_pairs(value: Any, rank: int) -> Sequence[tuple[int, int]]:
    """Return a padding or cropping layer's (before, after) pair for each axis; in 1-D Keras keeps one pair.

    Example:
        >>> axis_pairs((1, 2), rank=1), axis_pairs(((1, 2), (0, 3)), rank=2)
        ([(1, 2)], [(1, 2), (0, 3)])
    """
    return [tuple(value)] if rank == 1 else [(before, after) for before, after in value]


def other_data_format(layer: Any, channels_first: bool) -> str | None:
    """Return what is wrong with a ``layer`` that takes other axes for spatial than its graph; None: nothing.

    Example:
        >>> from keras import layers
        >>> other_data_format(layers.MaxPooling2D(data_format="channels_last"), channels_first=True)
        'has data_format="channels_last", another layer of the graph "channels_first". Use one for all'
    """
    formats = ("channels_last", "channels_first")
    expected, own = formats[channels_first], getattr(layer, "data_format", None)
    if own not in formats or own == expected:
        return None
    return f'has data_format="{own}", another layer of the graph "{expected}". Use one for all'
