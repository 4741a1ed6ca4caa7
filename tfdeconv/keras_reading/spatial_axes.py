"""Which axes of a tensor are spatial, and how long they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
