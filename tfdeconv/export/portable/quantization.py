"""Which operations compute in integers, and in which ranges: the same for every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PERCENTILE = 99.99
"""Activations beyond it, and beyond its mirror image, saturate: a few outliers would cost the others their
precision. On Slim x2 the loss is a third of that with the extremes, and 99.9 costs twice as much."""
KEPT_OF_A_SAMPLE = 20_000
"""At most so many values of one tensor and sample, drawn by chance: any regular step misses channels."""


@dataclass(frozen=True)
class Node:
    """An operation of a graph, as far as the choice needs it.

    Attributes:
        name: What the format calls it.
        inputs: Names of the tensors that it reads.
        outputs: Names of the tensors that it makes.
        convolution: Whether it is a convolution or a matrix product.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    convolution: bool


def integer_nodes(nodes: Sequence[Node]) -> set[str]:
    """Return the names of the nodes that compute in integers.

    The convolutions that read the input and those that make the output stay as they are, with all that
    lies before and behind: they cost little there and their rounding shows most. Where no convolution lies
    between them, every node is one of integers.

    Args:
        nodes: The nodes, each behind those that it reads from.

    Example:
        >>> chain = [Node(f"conv{n}", (f"{n}",), (f"{n + 1}",), True) for n in range(4)]
        >>> sorted(integer_nodes(chain))
        ['conv1', 'conv2']
    """
    behind = _reached(nodes, {node.name for node in nodes if node.convolution})
    ahead = _reached(_reversed(nodes), {node.name for node in nodes if node.convolution})
    inner = {node.name for node in nodes if node.convolution and node.name in behind & ahead}
    if not inner:
        return {node.name for node in nodes}
    return (_reached(nodes, inner) | inner) & (_reached(_reversed(nodes), inner) | inner)


def _reached(nodes: Iterable[Node], sources: set[str]) -> set[str]:
    """Names of the nodes that read what one of ``sources`` made, directly or not."""
    tensors: set[str] = set()
    reached = set()
    for node in nodes:
        if not tensors.isdisjoint(node.inputs):
            reached.add(node.name)
            tensors.update(node.outputs)
        if node.name in sources:
            tensors.update(node.outputs)
    return reached


def _reversed(nodes: Sequence[Node]) -> list[Node]:
    return [Node(node.name, node.outputs, node.inputs, node.convolution) for node in reversed(nodes)]


class Ranges:
    """Ranges of tensors over the calibration samples.

    Example:
        >>> ranges = Ranges()
        >>> ranges.add("x", np.linspace(-1, 3, 9))
        >>> tuple(round(end, 4) for end in ranges.of("x"))
        (-0.9996, 2.9996)
    """

    def __init__(self) -> None:
        self._values: dict[str, list[npt.NDArray[Any]]] = {}
        self._generator = np.random.default_rng(0)

    def add(self, name: str, values: npt.NDArray[Any]) -> None:
        """Take note of the values of one tensor for one sample."""
        flat = values.ravel()
        if flat.size > KEPT_OF_A_SAMPLE:
            flat = flat[self._generator.integers(flat.size, size=KEPT_OF_A_SAMPLE)]
        self._values.setdefault(name, []).append(flat.copy())

    def __iter__(self) -> Any:
        return iter(self._values)

    def of(self, name: str) -> tuple[float, float]:
        """Return the range of a tensor; zero lies in it."""
        values = np.concatenate(self._values[name])
        low, high = np.percentile(values, [100 - PERCENTILE, PERCENTILE])
        return min(float(low), 0.0), max(float(high), 0.0)
