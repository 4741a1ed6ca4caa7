"""Which inputs and taps make one output value, in numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfdeconv.analysis.arithmetic.configuration import Ints, configuration
from tfdeconv.analysis.arithmetic.kernel_layout import kernel_rank, with_channels
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments


@dataclass(frozen=True)
class Term:
    """One product.

    Attributes:
        input: Index of the input sample along each axis, and its channel.
        tap: Index of the kernel's tap along each axis.
        value: The input sample.
        weight: The tap.
    """

    input: tuple[int, ...]
    tap: tuple[int, ...]
    value: float
    weight: float

    @property
    def product(self) -> float:
        """What this term adds to the output."""
        return self.value * self.weight


@dataclass(frozen=True)
class Contributions:
    """The terms of one output value.

    Attributes:
        position: Index of the output sample along each axis, and its filter.
        terms: The products, in order of the inputs.
    """

    position: tuple[int, ...]
    terms: tuple[Term, ...]

    @property
    def total(self) -> float:
        """The output value: the sum of the products."""
        return math.fsum(term.product for term in self.terms)

    def __str__(self) -> str:
        left = f"y[{_indices(self.position)}] ="
        if not self.terms:
            return f"{left} 0 (no tap reaches it)"
        names = [f"x[{_indices(t.input)}]*w[{_indices(t.tap)}]" for t in self.terms]
        numbers = [f"{t.value:g}*{t.weight:g}" for t in self.terms]
        return f"{left} {' + '.join(names)} = {' + '.join(numbers)} = {self.total:g}"


def contributions(
    position: Ints,
    x: Any,
    kernel: Any,
    *,
    strides: Ints = 1,
    padding: Any = "valid",
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    dilation_rate: Ints = 1,
) -> Contributions:
    """List the products that make one output value of a transposed convolution.

    Args:
        position: Index of the output sample along each axis; with Keras's kernel layout, the filter
            behind it (left out: filter 0).
        x: Input ``[*sizes]``, or ``[*sizes, channels]`` with Keras's kernel layout.
        kernel: Taps ``[*kernel_size]``, or ``[*kernel_size, filters, channels]``.
        strides: As in :func:`tfdeconv.ops.conv_transpose`, like all that follow.
        padding: "same", "valid", ints, or (before, after) pairs.
        output_padding: None, an int, or one for each axis.
        output_shape: Output samples along each axis, instead of ``output_padding``.
        dilation_rate: Spacing of the taps.

    Returns:
        The terms; their ``total`` is the output value.

    Raises:
        InvalidArgumentError: An argument breaks a rule, or the position is outside the output.

    Example:
        >>> print(contributions(2, [10, 20], [1, 2, 3], strides=2))
        y[2] = x[0]*w[2] + x[1]*w[0] = 10*3 + 20*1 = 50
    """
    values, weights = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    bare = values.ndim == weights.ndim
    rank = kernel_rank(weights, values.shape if bare else values.shape[:-1])
    weights = with_channels(weights, rank)
    values = values[..., None] if bare else values
    if values.shape[-1] != weights.shape[-1]:
        raise InvalidArgumentError(
            f"x must have the kernel's {weights.shape[-1]} channels; received shape {values.shape}."
        )
    config = configuration(
        values.shape[:-1],
        weights.shape[:rank],
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        output_shape=output_shape,
        dilation_rate=dilation_rate,
    )
    given: Any = (position,) if axis_arguments.axes_named(position) is None else position
    index = tuple(axis_arguments.integer("position", entry) for entry in given)
    sample, output = index[:rank], (index[rank] if len(index) == rank + 1 else 0)
    limits = (*config.output_size, weights.shape[-2])
    if len(index) not in (rank, rank + 1) or any(
        not 0 <= i < n for i, n in zip((*sample, output), limits, strict=False)
    ):
        raise InvalidArgumentError(
            f"position must lie inside the output {limits[: len(index)]}; received {index}."
        )
    reaching = [
        [(int(p), int(a)) for q, p, a in axis.products() if q == i]
        for axis, i in zip(config.axes, sample, strict=True)
    ]
    terms = tuple(_terms(reaching, values, weights, output, bare))
    return Contributions(sample if bare else (*sample, output), terms)


def _terms(
    reaching: list[list[tuple[int, int]]],
    values: np.ndarray,
    weights: np.ndarray,
    output: int,
    bare: bool,
) -> Iterator[Term]:
    for pairs in itertools.product(*reaching):
        p, a = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
        for channel in range(values.shape[-1]):
            yield Term(
                p if bare else (*p, channel),
                a,
                float(values[(*p, channel)]),
                float(weights[(*a, output, channel)]),
            )


def _indices(index: tuple[int, ...]) -> str:
    return ",".join(map(str, index))
