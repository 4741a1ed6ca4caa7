"""The polyphase form of one axis: a stride-1 convolution that returns every phase of a block of samples.

Output sample ``m * s + r`` of the polyphase form is sample ``q = m * s + r + shift`` of the full output,
and ``full[q]`` sums ``x[(q - a * d) / s] * w[a]`` over the taps ``a`` for which the division is exact. So
phase ``r`` of block ``m`` reads ``x[m + offset]`` with ``offset = (r + shift - a * d) / s``: offsets that
do not depend on the block, as in a convolution. Shi et al. 2016, arXiv 1609.07009.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfdeconv import geometry


@dataclass(frozen=True)
class AxisPhases:
    """One axis of a transposed convolution as a stride-1 convolution.

    Attributes:
        stride: Phases of a block.
        rows: One row for each tap of the convolution, in order of increasing input position, with the
            tap of the kernel for each phase; ``kernel_size`` stands for none.
        before: Samples before ``x[0]`` that block 0 reads first; negative where it starts inside ``x``.
        after: The same for the last block and the end of ``x``.
        start: Samples of the first block that precede the window.
        end: Samples of the last block that follow the window; 0 where the window is not static.
    """

    stride: int
    rows: tuple[tuple[int, ...], ...]
    before: int
    after: int
    start: int
    end: int

    @property
    def extra_blocks(self) -> int:
        """Blocks minus input samples."""
        return self.before + self.after - len(self.rows) + 1


def axis_phases(
    kernel_size: int, stride: int, dilation_rate: int, crops: tuple[int, int] | None
) -> AxisPhases:
    """Return the form with the fewest taps whose blocks cover the window.

    Args:
        kernel_size: Taps of the kernel.
        stride: Stride of the axis.
        dilation_rate: Dilation of the axis.
        crops: Samples of the full output (before, after) the window; None: covers the full output.

    Example:
        >>> axis_phases(3, stride=2, dilation_rate=1, crops=(0, 1)).rows  # "same": phases (2, 0) and 1
        ((2, 3), (0, 1))
    """
    lead, tail = (0, 0) if crops is None else crops
    # A smaller shift costs samples to drop, fewer than a block; a further tap costs more.
    shift = min(
        range(lead, lead - stride, -1) if crops is not None else (0,),
        key=lambda shift: len(_range(_offsets(kernel_size, stride, dilation_rate, shift))),
    )
    offsets = _offsets(kernel_size, stride, dilation_rate, shift)
    used = _range(offsets)
    rows = tuple(
        tuple(offsets.get((phase, offset), kernel_size) for phase in range(stride)) for offset in used
    )
    # blocks = ceil((full - shift - tail) / s), with full = i * s + beyond
    beyond = geometry.full_size(0, kernel_size, stride, dilation_rate) - shift - tail
    extra = -(-beyond // stride)
    return AxisPhases(
        stride=stride,
        rows=rows,
        before=-used[0],
        after=extra + used[-1],
        start=lead - shift,
        end=0 if crops is None else extra * stride - beyond,
    )


def _offsets(kernel_size: int, stride: int, dilation_rate: int, shift: int) -> dict[tuple[int, int], int]:
    """(phase, offset) -> tap."""
    return {
        (phase, (phase + shift - tap * dilation_rate) // stride): tap
        for tap in range(kernel_size)
        for phase in range(stride)
        if (phase + shift - tap * dilation_rate) % stride == 0
    }


def _range(offsets: dict[tuple[int, int], int]) -> range:
    used = [offset for _, offset in offsets]
    return range(min(used), max(used) + 1)
