"""What a tile's run knows of the whole's, for one tensor along one axis."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Reads
from tfdeconv.keras_reading import NotLocal


@dataclass(frozen=True)
class Piece:
    """A tensor in a run on a tile, laid on the same tensor in a run on the whole.

    Attributes:
        start: Sample of the whole on which the piece's first one lies.
        size: Samples of the piece.
        whole: Samples of the whole.
        first: First sample of the piece that has the whole's value.
        last: One past the last sample that has it.
        scale: Samples for each sample of the input that the tensor comes from.
        origin: The number of that input.
    """

    start: int
    size: int
    whole: int
    first: int
    last: int
    scale: Fraction = Fraction(1)
    origin: int = 0

    @classmethod
    def of_input(cls, start: int, size: int, whole: int, *, origin: int = 0) -> Piece:
        """Return a part of an input, which is right everywhere.

        Example:
            >>> Piece.of_input(8, 4, 40).last
            4
        """
        return cls(start, size, whole, 0, size, origin=origin)

    def through(self, whole: Reads, part: Reads) -> Piece:
        """Return the piece behind a layer.

        A border of the piece that is one of the whole is padded in the same way, so that what is read
        beyond it is right as well; at any other border it is not.

        Args:
            whole: What the layer reads in the run on the whole.
            part: What it reads in the run on the tile.

        Raises:
            NotLocal: The piece would meet the layer's stride at another phase than the whole does, or the
                output's size does not follow the input's.

        Example:
            >>> inner = Piece.of_input(start=8, size=8, whole=40)
            >>> whole, part = (Reads.convolution(size, 3, padding="same") for size in (40, 8))
            >>> inner.through(whole, part)
            Piece(start=8, size=8, whole=40, first=1, last=7, scale=Fraction(1, 1), origin=0)
        """
        start, phase = divmod(self.start * part.per + part.first - whole.first, part.step)
        missing = (self.whole - self.size) * part.scale
        if phase or missing != whole.size - part.size or part.last - whole.last != part.first - whole.first:
            raise NotLocal(
                f"makes {whole.size} samples of {self.whole}, but {part.size} of {self.size}: its output "
                "does not follow its input. Leave sizes out of the model (output_shape=, fixed crops)"
            )
        first = last = None
        if not (self.start == 0 and self.first == 0):
            first = -((part.first - self.first * part.per) // part.step)
        if not (self.start + self.size == self.whole and self.last == self.size):
            last = -((part.last - self.last * part.per) // part.step)
        return dataclasses.replace(
            self,
            start=start,
            size=part.size,
            whole=whole.size,
            first=0 if first is None else min(max(first, 0), part.size),
            last=part.size if last is None else min(max(last, 0), part.size),
            scale=self.scale * part.scale,
        )

    def joined(self, other: Piece) -> Piece:
        """Return the piece of a sum or concatenation: right where both are.

        Raises:
            InvalidArgumentError: The two have different sizes in the run on the whole already.
            NotLocal: The two lie differently on the whole.
        """
        if self.whole != other.whole:
            raise InvalidArgumentError(f"joins tensors of different sizes, {self.whole} and {other.whole}")
        if (self.start, self.size, self.whole) != (other.start, other.size, other.whole):
            raise NotLocal(
                f"joins tensors that lie differently: {self.size} samples of {self.whole} from {self.start} "
                f"on, and {other.size} of {other.whole} from {other.start} on"
            )
        return dataclasses.replace(self, first=max(self.first, other.first), last=min(self.last, other.last))
