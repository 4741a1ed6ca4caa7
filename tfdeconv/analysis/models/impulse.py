"""Kernels by experiment: what a linear upsampler answers to an impulse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CHANNELS_AT_ONCE = 32
"""Impulses in one batch; bounds the memory of probing."""


@dataclass(frozen=True)
class ImpulseResponse:
    """The answer to an impulse in the middle of the input, without what a zero input gives.

    Attributes:
        kernel: ``[*kernel_size, filters, channels]``: the part that is not zero.
        first: Output position where it starts along each axis.
        position: Input position of the impulse along each axis.
        cut: Whether the answer reaches a border of the output, so that taps may be missing.
    """

    kernel: np.ndarray
    first: tuple[int, ...]
    position: tuple[int, ...]
    cut: bool

    @property
    def is_shuffle(self) -> bool:
        """Whether every channel goes to one output sample as it is."""
        used = np.abs(self.kernel) > 1e-6
        return bool(
            np.allclose(self.kernel[used], 1) and (used.sum(axis=tuple(range(used.ndim - 1))) == 1).all()
        )


def impulse_response(
    run: Callable[[np.ndarray], np.ndarray],
    sizes: Sequence[int],
    channels: int,
    *,
    offset: Sequence[int] | None = None,
) -> ImpulseResponse | None:
    """Return the answer of ``run`` to an impulse in each channel; None where it is not linear.

    Args:
        run: Takes ``[batch, *sizes, channels]``, returns ``[batch, *sizes, filters]``.
        sizes: Input samples along each axis.
        channels: Input channels.
        offset: Distance of the impulse from the middle along each axis; None: in the middle.

    Example:
        >>> found = impulse_response(lambda x: np.repeat(x, 2, axis=1), (7,), 1)
        >>> found.kernel.ravel(), found.first, found.position
        (array([1., 1.]), (6,), (3,))
    """
    steps = [0] * len(sizes) if offset is None else offset
    position: tuple[int, ...] = tuple(n // 2 + step for n, step in zip(sizes, steps, strict=True))
    zero = run(np.zeros((1, *sizes, channels), np.float32))
    responses = []
    for start in range(0, channels, CHANNELS_AT_ONCE):
        chosen = np.arange(start, min(start + CHANNELS_AT_ONCE, channels))
        impulses = np.zeros((len(chosen), *sizes, channels), np.float32)
        for row, channel in enumerate(chosen):
            impulses[row][position][channel] = 1
        response = run(impulses) - zero
        opposite = run(-2 * impulses) - zero
        if not np.allclose(opposite, -2 * response, atol=1e-4 * np.abs(response).max()):
            return None
        responses.append(response)
    return _trimmed(np.moveaxis(np.concatenate(responses), 0, -1).astype(np.float64), position)


def _trimmed(response: np.ndarray, position: tuple[int, ...]) -> ImpulseResponse:
    """Without the borders of zeros, where rounding leaves a millionth."""
    present = np.abs(response) > 1e-6 * np.abs(response).max()
    spans = []
    for axis in range(len(position)):
        others = tuple(other for other in range(response.ndim) if other != axis)
        (used,) = np.nonzero(present.any(axis=others))
        spans.append((int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1))
    cut = any(first == 0 or last == n for (first, last), n in zip(spans, response.shape, strict=False))
    kernel = response[tuple(slice(*span) for span in spans)]
    return ImpulseResponse(kernel, tuple(first for first, _ in spans), position, cut)
