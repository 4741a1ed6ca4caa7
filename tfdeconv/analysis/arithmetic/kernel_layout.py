"""Kernels as they come: bare taps ``[*kernel_size]`` or Keras's ``[*kernel_size, filters, channels]``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments


def kernel_rank(kernel: np.ndarray, *sizes: Any) -> int:
    """Return how many leading axes of ``kernel`` are spatial.

    A sequence among ``sizes`` decides by its length. With ints alone, kernels of rank 1 and 2 are
    bare taps and kernels of rank 3 to 5 have Keras's layout.

    Example:
        >>> kernel_rank(np.ones([3, 3]), 2), kernel_rank(np.ones([3, 3, 1, 1]), 2)
        (2, 2)
        >>> kernel_rank(np.ones([3, 3, 3]), (4, 4, 4)), kernel_rank(np.ones([3, 1, 1]), 4)
        (3, 1)
    """
    given = {axis_arguments.axes_named(size) for size in sizes} - {None}
    if len(given) > 1:
        raise InvalidArgumentError(f"sizes must name equally many axes; received {sizes}.")
    rank = given.pop() if given else kernel.ndim - (2 if kernel.ndim > 2 else 0)
    if rank not in (1, 2, 3) or kernel.ndim not in (rank, rank + 2):
        raise InvalidArgumentError(
            "kernel must be [*kernel_size] or [*kernel_size, filters // groups, channels] with 1 to 3 "
            f"spatial axes; received shape {kernel.shape} with sizes {sizes}."
        )
    return rank


def with_channels(kernel: np.ndarray, rank: int) -> np.ndarray:
    """Return ``kernel`` with its filter and channel axes, which bare taps lack.

    Example:
        >>> with_channels(np.ones([3, 3]), rank=2).shape
        (3, 3, 1, 1)
    """
    return kernel if kernel.ndim == rank + 2 else kernel[..., None, None]
