"""The affine map from input to output coordinates of one layer along one axis, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tfdeconv.geometry.forward_convolution import effective_kernel_size


class CoordinateMap(NamedTuple):
    """Sample ``x`` of the input lies at ``scale * x + offset`` of the output.

    Attributes:
        scale: Output samples for each input sample, a fraction.
        offset: Where in the output input sample 0 lies, a fraction.

    Example:
        >>> halve = CoordinateMap.convolution(2, stride=2)
        >>> halve
        CoordinateMap(scale=Fraction(1, 2), offset=Fraction(-1, 4))
        >>> double = CoordinateMap.transposed_convolution(4, stride=2, lead=1)
        >>> double.after(halve) == CoordinateMap()
        True

    References:
        The maps are those of Caffe's ``coord_map`` for FCN (Long, Shelhamer and Darrell 2015).
    """

    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def __str__(self) -> str:
        if self.offset == 0:
            return f"{self.scale} * x"
        return f"{self.scale} * x {'+' if self.offset > 0 else '-'} {abs(self.offset)}"

    @classmethod
    def convolution(
        cls, kernel_size: int, stride: int = 1, *, before: int = 0, dilation_rate: int = 1
    ) -> CoordinateMap:
        """Return the map of a convolution or pooling with ``before`` padded samples at the start.

        Output ``y`` looks at inputs ``y * s - before .. y * s - before + ke - 1``; the map sends the
        middle of these to ``y``.

        Example:
            >>> str(CoordinateMap.convolution(7, stride=2, before=3))
            '1/2 * x'
        """
        reach = Fraction(effective_kernel_size(kernel_size, dilation_rate) - 1, 2)
        return cls(Fraction(1, stride), (before - reach) / stride)

    @classmethod
    def transposed_convolution(
        cls, kernel_size: int, stride: int = 1, *, lead: int = 0, dilation_rate: int = 1
    ) -> CoordinateMap:
        """Return the map of a transposed convolution whose window starts at ``lead``.

        Input ``x`` stamps full samples ``x * s .. x * s + ke - 1``; the map sends ``x`` to their middle.

        Example:
            >>> str(CoordinateMap.transposed_convolution(64, stride=32))
            '32 * x + 63/2'
        """
        reach = Fraction(effective_kernel_size(kernel_size, dilation_rate) - 1, 2)
        return cls(Fraction(stride), reach - lead)

    @classmethod
    def resize(cls, factor: Fraction | int) -> CoordinateMap:
        """Return the map of a resize with half-pixel centres (also pixel shuffle and nearest repeat).

        Example:
            >>> str(CoordinateMap.resize(2))
            '2 * x + 1/2'
        """
        return cls(Fraction(factor), Fraction(factor - 1) / 2)

    @classmethod
    def shift(cls, samples: int) -> CoordinateMap:
        """Return the map of ``samples`` padded at the start, or cropped there where negative.

        Example:
            >>> str(CoordinateMap.shift(-5))
            '1 * x - 5'
        """
        return cls(Fraction(1), Fraction(samples))

    def after(self, first: CoordinateMap) -> CoordinateMap:
        """Return the map that applies ``first``, then this one.

        Example:
            >>> str(CoordinateMap.resize(2).after(CoordinateMap.shift(1)))
            '2 * x + 5/2'
        """
        return CoordinateMap(self.scale * first.scale, self.scale * first.offset + self.offset)

    def inverse(self) -> CoordinateMap:
        """Return the map from output to input coordinates.

        Example:
            >>> str(CoordinateMap.resize(2).inverse())
            '1/2 * x - 1/4'
        """
        return CoordinateMap(1 / self.scale, -self.offset / self.scale)
