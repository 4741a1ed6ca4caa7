"""The kernel of linear interpolation by an integer factor."""

from __future__ import annotations

from tfdeconv.geometry.axis_arguments import at_least


def linear_kernel_size(factor: int) -> int:
    """Return the taps of the linear interpolation kernel for an integer factor: ``2 f - f % 2``.

    The FCN reference code pairs this size with stride ``f`` (Long, Shelhamer and Darrell 2015).

    Example:
        >>> [linear_kernel_size(factor) for factor in (1, 2, 3, 4)]
        [1, 4, 5, 8]
    """
    factor = at_least(1, "factor", factor)
    return 2 * factor - factor % 2


def linear_kernel(kernel_size: int) -> list[float]:
    """Return the weights of the 1-D linear interpolation kernel: ``1 - |x - (k - 1) / 2| / ceil(k / 2)``.

    N-D kernels are outer products of these. Symmetric for every size; the form with the centre
    ``(2 f - 1 - f % 2) / (2 f)`` found in older code is not, for kernels of 3, 6 and 7 taps.

    Example:
        >>> linear_kernel(4)
        [0.25, 0.75, 0.75, 0.25]
    """
    kernel_size = at_least(1, "kernel_size", kernel_size)
    half = (kernel_size + 1) // 2
    return [1 - abs(tap - (kernel_size - 1) / 2) / half for tap in range(kernel_size)]
