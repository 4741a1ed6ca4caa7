"""Where an operator stands in a model: what its layers need to know beside its own numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tfdeconv.errors import ConversionError

Step: TypeAlias = Callable[[Any], Any]
"""A layer, or a function of ``keras.ops``, from one tensor to one tensor."""


@dataclass(frozen=True)
class Place:
    """Layout, rank, sizes, type and name of the layers to make.

    Attributes:
        data_format: "channels_last" or "channels_first".
        rank: The number of spatial axes; None where nothing tells.
        sizes: The spatial sizes, None where unknown; None altogether for a layer on its own.
        dtype: The type of the samples; None: Keras's default.
        name: The name of the layer that does the work; None: Keras chooses.
    """

    data_format: str = "channels_last"
    rank: int | None = None
    sizes: tuple[int | None, ...] | None = None
    dtype: str | None = None
    name: str | None = None

    @property
    def channels_first(self) -> bool:
        """Whether channels lie in front of the spatial axes.

        Example:
            >>> Place("channels_first").channels_first
            True
        """
        return self.data_format == "channels_first"

    @property
    def channel_axis(self) -> int:
        """The axis of the channels.

        Example:
            >>> Place("channels_first").channel_axis, Place().channel_axis
            (1, -1)
        """
        return 1 if self.channels_first else -1

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The axes of the samples.

        Example:
            >>> Place(rank=2).spatial_axes
            (1, 2)
        """
        first = 2 if self.channels_first else 1
        return tuple(range(first, first + self.known_rank()))

    def known_rank(self) -> int:
        """Return the number of spatial axes; 2, images, where nothing tells.

        Raises:
            ConversionError: The tensor has no or more than three spatial axes.

        Example:
            >>> Place(rank=3).known_rank()
            3
        """
        rank = 2 if self.rank is None else self.rank
        if not 1 <= rank <= 3:
            raise ConversionError(
                f"needs a batch axis, a channel axis and 1 to 3 spatial axes; received a tensor of "
                f"{rank + 2} axes."
            )
        return rank

    def size(self, axis: int) -> int:
        """Return the size of a spatial axis.

        Raises:
            ConversionError: It is unknown.

        Example:
            >>> Place(rank=1, sizes=(5,)).size(0)
            5
        """
        size = None if self.sizes is None else self.sizes[axis]
        if size is None:
            raise ConversionError(
                f"depends on the input's size, which is unknown on spatial axis {axis}. Convert a "
                "model whose input has fixed sizes, or give them in input_shape=."
            )
        return size

    def called(self, suffix: str) -> Place:
        """Return this place for a layer beside the one that does the work.

        Example:
            >>> Place(name="conv").called("padding").name
            'conv_padding'
        """
        return replace(self, name=None if self.name is None else f"{self.name}_{suffix}")
