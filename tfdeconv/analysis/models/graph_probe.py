"""Upsampling steps of a frozen graph that are no single operation, found by scope and probed by impulses.

Sub-pixel convolutions, resizes, and the lowerings of a transposed convolution other than the gradient
are several operations in one name scope: the largest scopes, below that of the whole model, that are
linear and have one image in and one larger image out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfdeconv.analysis.models.impulse import ImpulseResponse, impulse_response
from tfdeconv.analysis.models.saved_graph import TRANSPOSED, GraphUpsampling, display_name

PASSING = ("BiasAdd", "Identity", "EnsureShape", "Elu", "LeakyRelu", "Relu", "Relu6", "Sigmoid", "Tanh")
"""Operations that neither move nor mix samples."""

TELLING = ("Conv1D", "Conv2D", "Conv3D", "MatMul", "BatchMatMulV2", "DepthToSpace", "Transpose")
"""Operations that say how a step is computed, besides resizes."""


def upsampling_scopes(frozen: Any, shapes: Sequence[Sequence[int]]) -> list[GraphUpsampling]:
    """Return the upsampling steps of a frozen signature, but for transposed convolutions.

    Args:
        frozen: The signature, from :func:`tfdeconv.analysis.models.saved_graph.frozen_signature`.
        shapes: Shape of each of its inputs, batch first.

    Example:
        >>> from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
        >>> resize = tf.function(lambda x: tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2))
        >>> spec = tf.TensorSpec([None, 8, 8, 1])
        >>> frozen = convert_variables_to_constants_v2(resize.get_concrete_function(spec))
        >>> [found.factor for found in upsampling_scopes(frozen, [(1, 8, 8, 1)])]
        [(2, 1), (1, 2)]
    """
    graph = _Signals(frozen, shapes)
    return list(_steps(graph))


@dataclass(frozen=True)
class _Scope:
    name: str
    source: Any
    result: Any
    operations: tuple[Any, ...]


class _Signals:
    """The tensors of a graph that are images made from its inputs, with their shapes."""

    def __init__(self, frozen: Any, shapes: Sequence[Sequence[int]]) -> None:
        self.frozen = frozen
        self.operations = frozen.graph.get_operations()
        reached = {tensor.ref() for tensor in frozen.inputs}
        for op in self.operations:
            if any(tensor.ref() in reached for tensor in op.inputs):
                reached.update(tensor.ref() for tensor in op.outputs if tensor.dtype.is_floating)
        images = [ref.deref() for ref in reached if ref.deref().shape.rank in (3, 4, 5)]
        ones = (tf.ones(shape, spec.dtype) for shape, spec in zip(shapes, frozen.inputs, strict=True))
        values = frozen.prune(frozen.inputs, images)(*ones)
        self.shapes = {image.ref(): tuple(value.shape) for image, value in zip(images, values, strict=True)}

    def is_output(self, tensor: Any) -> bool:
        return any(tensor is output for output in self.frozen.outputs)

    def shape(self, tensor: Any) -> tuple[int, ...] | None:
        return self.shapes.get(tensor.ref())

    def inputs(self, op: Any) -> list[Any]:
        return [tensor for tensor in op.inputs if tensor.ref() in self.shapes]


def _steps(graph: _Signals) -> Iterator[GraphUpsampling]:
    inside: dict[str, list[Any]] = {}
    for op in graph.operations:
        parts = op.name.split("/")
        for depth in range(1, len(parts) + 1):
            inside.setdefault("/".join(parts[:depth]), []).append(op)
    computing = {op for op in graph.operations if op.type != "Identity" and graph.inputs(op)}
    taken: set[Any] = set()
    for name in sorted(inside, key=lambda name: name.count("/")):
        operations = inside[name]
        whole = len(operations) > 1 and computing.issubset(operations)
        if whole or not taken.isdisjoint(operations) or any(op.type in TRANSPOSED for op in operations):
            continue
        scope = _as_step(graph, name, operations)
        found = None if scope is None else _probe(graph, scope)
        if found is not None:
            taken.update(operations)
            yield found


def _as_step(graph: _Signals, name: str, operations: list[Any]) -> _Scope | None:
    own = set(operations)
    sources = {t.ref() for op in operations for t in graph.inputs(op) if t.op not in own}
    results = {
        t.ref()
        for op in operations
        for t in op.outputs
        if graph.shape(t) and (graph.is_output(t) or any(user not in own for user in t.consumers()))
    }
    if len(sources) != 1 or len(results) != 1:
        return None
    source, result = sources.pop().deref(), results.pop().deref()
    before, after = graph.shape(source), graph.shape(result)
    if before is None or after is None or len(before) != len(after):
        return None
    sizes = list(zip(before[1:-1], after[1:-1], strict=True))
    larger = all(b <= a for b, a in sizes) and any(2 * b <= a for b, a in sizes)
    return _Scope(name, source, result, tuple(operations)) if larger else None


def _probe(graph: _Signals, scope: _Scope) -> GraphUpsampling | None:
    """The scope's kernel, found by impulses; None where it is not linear or does not upsample."""
    source, result = scope.source, scope.result
    while result.op.type in PASSING and graph.inputs(result.op):
        (result,) = graph.inputs(result.op)
    factor = _factor(graph, source, result)
    if factor is None or max(factor) < 2:
        return None
    response = _response(graph, source, result)
    kind, kernel = _kind(scope.operations), None if response is None else response.kernel
    if response is not None and response.is_shuffle:
        while source.op.type in PASSING and graph.inputs(source.op):
            (source,) = graph.inputs(source.op)
        kernel = None
        if source.op.type in ("Conv2D", "Conv3D"):  # the shuffle's phases are made there
            kind = f"{source.op.type} + {kind}"
            (source,) = graph.inputs(source.op)
            response = _response(graph, source, result)
            kernel = None if response is None else response.kernel
    position = graph.operations.index(scope.result.op)
    return GraphUpsampling(display_name(f"{scope.name}/"), kind, kernel, factor, own=False, position=position)


def _response(graph: _Signals, source: Any, result: Any) -> ImpulseResponse | None:
    _, *sizes, channels = graph.shapes[source.ref()]
    return impulse_response(_runner(graph, source, result), sizes, channels)


def _runner(graph: _Signals, source: Any, result: Any) -> Callable[[np.ndarray], np.ndarray]:
    part = graph.frozen.prune([source], [result])
    return lambda x: np.asarray(part(tf.constant(x, source.dtype))[0])


def _factor(graph: _Signals, source: Any, result: Any) -> tuple[int, ...] | None:
    """How far the answer moves when an impulse moves by one sample along each axis; None: not linear."""
    run = _runner(graph, source, result)
    _, *sizes, channels = graph.shapes[source.ref()]
    mixture = np.random.default_rng(0).uniform(0.5, 1.5, channels).astype(np.float32)

    def first_of_mixture(offset: Sequence[int]) -> tuple[int, ...] | None:
        found = impulse_response(lambda x: run(x * mixture), sizes, 1, offset=offset)
        return None if found is None else found.first

    rank = len(sizes)
    start = first_of_mixture([0] * rank)
    if start is None:
        return None
    moved = [first_of_mixture([-int(other == axis) for other in range(rank)]) for axis in range(rank)]
    return tuple(start[axis] - (other or start)[axis] for axis, other in enumerate(moved))


def _kind(operations: Sequence[Any]) -> str:
    kinds = dict.fromkeys(op.type for op in operations if op.type in TELLING or op.type.startswith("Resize"))
    return " + ".join(kinds) or "elementwise operations"
