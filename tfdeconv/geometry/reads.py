"""Which inputs one layer's outputs depend on along one axis, in pure integers."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tfdeconv.geometry.axis import Window
from tfdeconv.geometry.axis_arguments import at_least
from tfdeconv.geometry.forward_convolution import (
    effective_kernel_size,
    forward_padding,
    forward_size,
    same_padding_before,
)


class Reads(NamedTuple):
    """Output ``y`` depends on inputs ``(y * step + first) // per`` up to ``(y * step + last) // per``.

    What lies before input 0 and behind the last one stands for the border: zeros, or the repeated edge.

    Attributes:
        step: Together with ``per``: neighbouring outputs read ``step / per`` inputs apart.
        per: See ``step``.
        first: Numerator of the first input that output 0 reads.
        last: Numerator of the last input that output 0 reads.
        size: Output samples.
    """

    step: int
    per: int
    first: int
    last: int
    size: int

    @property
    def scale(self) -> Fraction:
        """Output samples for each input sample.

        Example:
            >>> Reads.nearest(7, 3).scale
            Fraction(3, 1)
        """
        return Fraction(self.per, self.step)

    @classmethod
    def same_place(cls, size: int) -> Reads:
        """Return the reads of a pointwise layer.

        Example:
            >>> Reads.same_place(7)
            Reads(step=1, per=1, first=0, last=0, size=7)
        """
        return cls(1, 1, 0, 0, size)

    @classmethod
    def shift(cls, size: int, before: int, after: int) -> Reads:
        """Return the reads of padding by ``before`` and ``after`` samples, or of cropping where negative.

        Example:
            >>> Reads.shift(7, -2, 1)
            Reads(step=1, per=1, first=2, last=2, size=6)
        """
        return cls(1, 1, -before, -before, at_least(1, "size after cropping", size + before + after))

    @classmethod
    def convolution(
        cls, size: int, kernel_size: int, stride: int = 1, *, padding: str = "valid", dilation_rate: int = 1
    ) -> Reads:
        """Return the reads of a convolution or pooling; ``padding`` is "valid", "same" or "causal".

        Example:
            >>> Reads.convolution(225, 3, 2, padding="same")
            Reads(step=2, per=1, first=-1, last=1, size=113)
        """
        ke = effective_kernel_size(kernel_size, dilation_rate)
        if padding == "causal":
            before, outputs = ke - 1, forward_size(size, ke, stride, "same")
        else:
            outputs = forward_size(size, ke, stride, forward_padding(padding))
            same = padding.lower() == "same"
            before = (same_padding_before(size, kernel_size, stride, dilation_rate) or 0) if same else 0
        return cls(stride, 1, -before, ke - 1 - before, outputs)

    @classmethod
    def transposed_convolution(
        cls, kernel_size: int, stride: int, window: Window, *, dilation_rate: int = 1
    ) -> Reads:
        """Return the reads of a transposed convolution that returns ``window`` of its full output.

        Output ``y`` is full sample ``y + lead``, onto which inputs ``p`` with ``p * s <= y + lead < p * s +
        ke`` are stamped.

        Example:
            >>> Reads.transposed_convolution(4, 2, Window(1, 14))
            Reads(step=1, per=2, first=-1, last=1, size=14)
        """
        ke = effective_kernel_size(kernel_size, dilation_rate)
        return cls(1, stride, window.lead - ke + stride, window.lead, window.size)

    @classmethod
    def nearest(cls, size: int, factor: int) -> Reads:
        """Return the reads of repetition and of a pixel shuffle: ``y // factor``.

        Example:
            >>> Reads.nearest(7, 2)
            Reads(step=1, per=2, first=0, last=0, size=14)
        """
        return cls(1, factor, 0, 0, size * factor)

    @classmethod
    def interpolation(cls, size: int, factor: int, radius: int) -> Reads:
        """Return the reads of a resize with half-pixel centres whose filter reaches ``radius`` inputs.

        Output ``y`` lies at ``(y + 1/2) / f - 1/2`` of the input.

        Example:
            >>> Reads.interpolation(7, 2, radius=1)
            Reads(step=2, per=4, first=-1, last=3, size=14)
        """
        first = 1 - factor
        return cls(
            2, 2 * factor, first - 2 * factor * (radius - 1), first + 2 * factor * radius, size * factor
        )
