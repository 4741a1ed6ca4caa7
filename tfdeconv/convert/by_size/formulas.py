"""Formulas of the sizes of tensors: numbers, lists and strings, so that a layer's configuration holds them.

A formula is a number, or ``{"constant": c, "terms": [[times, what], ...]}`` with rational numbers written as
strings ("1/2"); ``what`` is ``["size", tensor, axis]`` or ``["floor" | "zero", formula]``: a formula rounded
down or towards zero; or ``["greatest", formula, formula]``; or ``["product", what, what, ...]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import tensorflow as tf

from tfdeconv.convert.by_size.sizes import Atom, Greatest, Product, Rounded, UnknownSize
from tfdeconv.errors import ConversionError

Formula: TypeAlias = int | dict[str, Any]
Sizes: TypeAlias = Callable[[int, int], Any]
"""(number of a tensor, axis) -> its size: an int, an integer tensor, or None where it is unknown."""


class Measured:
    """The Keras tensors that formulas ask for, in the order in which a layer takes them.

    Args:
        first: The tensor that the layer computes with.
    """

    def __init__(self, first: Any) -> None:
        self.tensors = [first]

    def formula(self, size: Any) -> Formula:
        """Return the formula of a size.

        Raises:
            ConversionError: Nothing is known of it.
        """
        if not isinstance(size, UnknownSize):
            return int(size)
        if size.terms is None:
            raise ConversionError(
                "The computation depends on a size of the input that is unknown, by other than sums, "
                "products and whole quotients of sizes. Give the sizes: input_shape= of from_torch, or "
                "fixed dimensions of the ONNX model's input."
            )
        return self._formula(list(size.terms.items()), size.constant)

    def _formula(self, terms: Any, constant: Fraction) -> dict[str, Any]:
        listed = [[str(times), self._atom(atom)] for atom, times in terms]
        listed.sort(key=repr)  # a set has no order, and a saved model should not depend on it
        return {"constant": str(constant), "terms": listed}

    def _atom(self, atom: Atom) -> list[Any]:
        if isinstance(atom, Greatest):
            formulas = [self._formula(list(terms), constant) for terms, constant in atom.sums]
            return ["greatest", *sorted(formulas, key=repr)]
        if isinstance(atom, Product):
            factors = [self._atom(factor) for factor, power in atom.powers for _ in range(power)]
            return ["product", *sorted(factors, key=repr)]
        if isinstance(atom, Rounded):
            return [atom.towards, self._formula(list(atom.terms), atom.constant)]
        tensor = atom.value.tensor
        known = [each is tensor for each in self.tensors]
        if not any(known):
            self.tensors.append(tensor)
        return ["size", known.index(True) if any(known) else len(known), atom.value.keras_axis(atom.axis)]


def evaluate(formula: Formula | None, sizes: Sizes) -> Any:
    """Return the number that a formula stands for; None where a size is None.

    Example:
        >>> half = {"constant": "1", "terms": [["1", ["floor", {"constant": "0", "terms":
        ...     [["1/2", ["size", 0, 1]]]}]]]}
        >>> evaluate(half, lambda tensor, axis: 7), evaluate(half, lambda tensor, axis: None)
        (4, None)
    """
    return formula if formula is None or isinstance(formula, int) else _rounded(formula, sizes, "floor")


def _rounded(formula: dict[str, Any], sizes: Sizes, towards: str) -> Any:
    constant = Fraction(formula["constant"])
    terms = [(Fraction(times), _atom(what, sizes)) for times, what in formula["terms"]]
    if any(number is None for _, number in terms):
        return None
    below = math.lcm(constant.denominator, *(times.denominator for times, _ in terms))
    total = int(constant * below)
    for times, number in terms:
        total = total + int(times * below) * number
    if below == 1:
        return total
    if towards == "floor":
        return total // below
    if isinstance(total, int):
        return -(-total // below) if total < 0 else total // below
    return tf.where(total < 0, -(-total // below), total // below)


def _atom(what: list[Any], sizes: Sizes) -> Any:
    kind, *rest = what
    if kind == "product":
        factors = [_atom(factor, sizes) for factor in rest]
        return None if any(factor is None for factor in factors) else math.prod(factors)
    if kind == "greatest":
        numbers = [_rounded(formula, sizes, "floor") for formula in rest]
        if any(number is None for number in numbers):
            return None
        return max(numbers) if all(isinstance(number, int) for number in numbers) else tf.maximum(*numbers)
    return sizes(*rest) if kind == "size" else _rounded(rest[0], sizes, kind)
