"""Sizes that are unknown while a model is built, and what is computed with them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Number
from typing import Any, Literal, TypeAlias

from tfdeconv.errors import ConversionError


@dataclass(frozen=True, eq=False)
class Axis:
    """The size of an axis of a tensor, ``value.shape[axis]``."""

    value: Any
    axis: int

    @property
    def _key(self) -> tuple[int, int]:
        at = self.value.keras_axis(self.axis)
        # what mixes examples is refused, so that every tensor holds as many
        return (0, 0) if self.axis == at == 0 else (id(self.value.tensor), at)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Axis) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@dataclass(frozen=True)
class Rounded:
    """A sum of fractions of sizes as a whole number: the floor, or what lies towards zero."""

    terms: frozenset[tuple[Atom, Fraction]]
    constant: Fraction
    towards: Literal["floor", "zero"]


@dataclass(frozen=True)
class Greatest:
    """The greatest of some sums."""

    sums: frozenset[tuple[frozenset[tuple[Atom, Fraction]], Fraction]]


@dataclass(frozen=True)
class Product:
    """A product of unknown whole numbers, and how many times each is a factor."""

    powers: frozenset[tuple[Atom, int]]


Atom: TypeAlias = "Axis | Rounded | Greatest | Product"
"""A whole number that is unknown."""


class UnknownSize:
    """A sum of multiples of unknown whole numbers and of their products, and a number.

    It may be passed on and computed with as sizes are. Where only the number itself would do, whoever needs
    it is told how to give it. Two that are written differently and always equal compare as equal.

    Args:
        terms: Unknown numbers and how many times each is counted; None where nothing is known of the size.
        constant: What is added to them.

    Example:
        >>> import keras
        >>> from tfdeconv.convert.graph.values import value_of_image
        >>> height = value_of_image(keras.Input([None, None, 3]), "channels_last").shape[2]
        >>> (height // 2 * 2 - 1) - (2 * (height // 2) - 3), (height + 3) % 4 == (height - 1) % 4
        (2, True)
    """

    def __init__(self, terms: Mapping[Atom, Fraction] | None, constant: Fraction | int = 0) -> None:
        self.terms = terms
        self.constant = Fraction(constant)

    @classmethod
    def of(cls, value: Any, axis: int) -> UnknownSize:
        """Return the size of an axis of a value."""
        return cls({Axis(value, axis): Fraction(1)})

    @property
    def measured(self) -> Axis | None:
        """The axis whose size this is, however many times and with whatever is added; None for others."""
        if self.terms is None or len(self.terms) != 1:
            return None
        (atom,) = self.terms
        return atom if isinstance(atom, Axis) else None

    def multiple_of(self, value: Any, axis: int) -> Fraction | None:
        """Return how many times the size of that axis this is; None where that cannot be told."""
        if self.constant or self.terms is None or len(self.terms) != 1:
            return None
        return self.terms.get(Axis(value, axis))

    def is_size(self, value: Any, axis: int) -> bool:
        """Whether this is the size of that axis."""
        return self.multiple_of(value, axis) == 1

    @property
    def denominator(self) -> int:
        """How many times this is a whole number for certain."""
        numbers = (*(self.terms or {}).values(), self.constant)
        return math.lcm(*(number.denominator for number in numbers))

    @property
    def is_batch(self) -> bool:
        """Whether this is the number of examples."""
        axis = self.measured
        return axis is not None and axis.axis == 0 and self.multiple_of(axis.value, 0) == 1

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Number | UnknownSize):  # a tensor: it knows what to do
            return NotImplemented
        other = _terms(other)
        if self.terms is None or other.terms is None:
            return UnknownSize(None)
        terms = dict(self.terms)
        for atom, times in other.terms.items():
            terms[atom] = terms.get(atom, Fraction(0)) + times
        return _number({a: t for a, t in terms.items() if t}, self.constant + other.constant)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Number | UnknownSize):  # a tensor: it knows what to do
            return NotImplemented
        other = _terms(other)
        if self.terms is None or other.terms is None:
            return UnknownSize(None)
        terms: dict[Atom | None, Fraction] = {}
        for one, times in _monomials(self):
            for two, more in _monomials(other):
                factors = one + two
                single = factors.total() == 1
                product = next(iter(factors)) if single else Product(frozenset(factors.items()))
                key = product if factors else None
                terms[key] = terms.get(key, Fraction(0)) + times * more
        constant = terms.pop(None, Fraction(0))
        return _number({a: t for a, t in terms.items() if t and a is not None}, constant)

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Number | UnknownSize):  # a tensor: it knows what to do
            return NotImplemented
        divisor = _terms(other)
        if divisor.terms is None or divisor.terms:
            return UnknownSize(None)
        return self * (1 / divisor.constant)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __floor__(self) -> Any:
        return _rounded(self, "floor")

    def __ceil__(self) -> Any:
        return -_floor(-self)

    def __trunc__(self) -> Any:
        return _rounded(self, "zero")

    def __floordiv__(self, other: Any) -> Any:
        return _floor(self / other)

    def __mod__(self, other: Any) -> Any:
        return self - self // other * other

    def __rtruediv__(self, other: Any) -> Any:
        return UnknownSize(None)

    __rfloordiv__ = __rmod__ = __rtruediv__

    def _needed(self, *_: Any) -> Any:
        raise ConversionError(
            "The computation depends on a size of the input that is unknown. Give the sizes: input_shape= of "
            "from_torch, or fixed dimensions of the ONNX model's input."
        )

    __int__ = __index__ = __float__ = __bool__ = _needed
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return self._compared(other, "==", lambda difference: difference == 0)

    def __ne__(self, other: object) -> Any:
        return self._compared(other, "!=", lambda difference: difference != 0)

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, "<", lambda difference: difference < 0)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, "<=", lambda difference: difference <= 0)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, ">", lambda difference: difference > 0)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, ">=", lambda difference: difference >= 0)

    def _compared(self, other: Any, sign: str, of_difference: Callable[[Any], bool]) -> Any:
        if not isinstance(other, int | float | UnknownSize):
            return NotImplemented
        difference = self - other
        if not isinstance(difference, UnknownSize):
            return of_difference(difference)
        for turned in (1, -1):  # sizes are not negative
            least = _least(difference * turned)
            touches = ("<", ">=") if turned == 1 else (">", "<=")
            if least is not None and (least > 0 or (least == 0 and sign in touches)):
                return of_difference(turned)
        raise ConversionError(
            f"Sizes that are unknown are compared ({sign}), so that the computation depends on a size of the "
            "input that is unknown. Take the condition away where it only spares a padding, crop or resizing "
            "that changes nothing for equal sizes; or give the sizes: input_shape= of from_torch, or fixed "
            "dimensions of the ONNX model's input."
        )

    def __repr__(self) -> str:
        return "?"


Size: TypeAlias = int | UnknownSize


def toward_zero(first: Any, second: Any) -> Any:
    """Return the quotient of two sizes as C and ONNX round it.

    Example:
        >>> toward_zero(-7, 2)
        -3
    """
    if isinstance(first, UnknownSize) or isinstance(second, UnknownSize):
        return _rounded(first / second, "zero")
    quotient = abs(first) // abs(second)
    return quotient if (first < 0) == (second < 0) else -quotient


def greatest(first: Any, second: Any) -> Any:
    """Return the greater one of two sizes.

    Example:
        >>> greatest(3, 5)
        5
    """
    sizes = [_terms(first), _terms(second)]
    difference = sizes[0] - sizes[1]
    if not isinstance(difference, UnknownSize):
        return first if difference >= 0 else second
    if difference.terms is None:
        return difference
    sums = frozenset((frozenset((size.terms or {}).items()), size.constant) for size in sizes)
    return UnknownSize({Greatest(sums): Fraction(1)})


def _monomials(size: UnknownSize) -> list[tuple[Counter[Atom], Fraction]]:
    """The factors of every term and how many times it is counted; of the constant, none."""
    found: list[tuple[Counter[Atom], Fraction]] = [(Counter(), size.constant)]
    for atom, times in (size.terms or {}).items():
        powers: dict[Atom, int] = dict(atom.powers) if isinstance(atom, Product) else {atom: 1}
        found.append((Counter(powers), times))
    return found


def _floor(size: Any) -> Any:
    return _rounded(size, "floor") if isinstance(size, UnknownSize) else int(size // 1)


def _terms(number: Any) -> UnknownSize:
    """A size or a number as a sum; a number that floats round in products is unknown."""
    if isinstance(number, UnknownSize):
        return number
    exact = Fraction(number)
    return UnknownSize({}, exact) if exact.denominator <= 2**16 else UnknownSize(None)


def _number(terms: Mapping[Atom, Fraction], constant: Fraction) -> Any:
    if terms:
        return UnknownSize(terms, constant)
    return int(constant) if constant.denominator == 1 else float(constant)


def _rounded(size: UnknownSize, towards: Literal["floor", "zero"]) -> Any:
    """The whole number; what is whole already stands outside, so that equal numbers look alike."""
    if size.terms is None:
        return size
    if towards == "zero" and _not_negative(frozenset(size.terms.items()), size.constant):
        towards = "floor"
    if towards == "floor":
        whole = _number(
            {a: Fraction(t // 1) for a, t in size.terms.items() if t // 1}, Fraction(size.constant // 1)
        )
    else:
        fractions = any(number.denominator != 1 for number in (*size.terms.values(), size.constant))
        whole = 0 if fractions else size
    rest = size - whole
    if not isinstance(rest, UnknownSize):
        return whole + int(rest // 1)
    atom = Rounded(frozenset((rest.terms or {}).items()), rest.constant, towards)
    return whole + UnknownSize({atom: Fraction(1)})


def _least(size: UnknownSize) -> Fraction | None:
    """What a sum is at least, whatever the sizes are; None where it may be anything."""
    if size.terms is None or not all(times > 0 and _positive(atom) for atom, times in size.terms.items()):
        return None
    return size.constant


def _positive(atom: Atom) -> bool:
    """Whether a number is at least 0 whatever the sizes are."""
    if isinstance(atom, Axis):
        return True
    if isinstance(atom, Greatest):
        return any(_not_negative(terms, constant) for terms, constant in atom.sums)
    if isinstance(atom, Product):
        return all(_positive(factor) for factor, _ in atom.powers)
    return _not_negative(atom.terms, atom.constant)


def _not_negative(terms: frozenset[tuple[Atom, Fraction]], constant: Fraction) -> bool:
    least = _least(UnknownSize(dict(terms), constant))
    return least is not None and least >= 0
