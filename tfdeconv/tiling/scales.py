"""The resolutions of tensors that come from several inputs."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from tfdeconv.keras_reading import NotLocal
from tfdeconv.tiling.graph_walk import Place

AxisScales: TypeAlias = tuple[Fraction, ...]


class Scales:
    """Inputs are joined to one grid by the layers in which what is made of them meets.

    Example:
        >>> from tfdeconv.tiling.piece import Piece
        >>> scales = Scales()
        >>> coarse = Place((Piece.of_input(0, 8, 8, origin=1),))
        >>> fine = Place((Piece(0, 8, 8, 0, 8, scale=Fraction(1, 2)),))
        >>> _ = scales.joined(fine, coarse)
        >>> scales.of_place(coarse)
        (Fraction(1, 2),)
    """

    def __init__(self) -> None:
        self._parents: dict[int, tuple[int, AxisScales]] = {}

    def of_place(self, place: Place) -> AxisScales:
        """Return the samples of a tensor for each sample of the input that all others are joined to."""
        _, factors = self._root(place)
        return factors

    def _root(self, place: Place) -> tuple[int, AxisScales]:
        origin = place.axes[0].origin
        factors = tuple(piece.scale for piece in place.axes)
        while origin in self._parents:
            origin, more = self._parents[origin]
            factors = tuple(one * two for one, two in zip(factors, more, strict=True))
        return origin, factors

    def joined(self, one: Place, other: Place) -> Place:
        """Return ``one``, and remember that ``other`` has its resolution."""
        (a, one_scales), (b, other_scales) = sorted([self._root(one), self._root(other)])
        if a != b:
            self._parents[b] = (a, tuple(x / y for x, y in zip(one_scales, other_scales, strict=True)))
        elif one_scales != other_scales:
            raise NotLocal(
                f"joins tensors of different resolutions: {_listed(one_scales)} and {_listed(other_scales)} "
                "samples for each one of the input"
            )
        return one


def _listed(scales: AxisScales) -> str:
    return " x ".join(map(str, scales))
