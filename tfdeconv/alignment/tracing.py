"""Where the samples of a graph's tensors end up in a later tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from tfdeconv.alignment.assumed_shapes import Shapes, representative_shapes, shapes_inside
from tfdeconv.alignment.graph import (
    ancestors,
    is_channels_first,
    made_by,
    named,
    sources,
)
from tfdeconv.alignment.keras_operations import operation_maps
from tfdeconv.alignment.position import Position, Refusal, compose
from tfdeconv.errors import AlignmentError
from tfdeconv.geometry import CoordinateMap
from tfdeconv.keras_reading import Everywhere, Layout, Maps, layer_position, other_data_format


class Edge(NamedTuple):
    """Values flow from ``source`` to ``target``, both Keras tensors, through the layer ``operation``."""

    source: Any
    target: Any
    operation: Any
    position: Position


class Trace:
    """The coordinate maps from every ancestor of ``output`` to ``output``; made by :func:`trace`.

    ``trace[tensor]`` holds one :class:`CoordinateMap` for each spatial axis; iterating yields ``output``
    and its ancestors, each after everything that it leads to.

    Attributes:
        output: The Keras tensor that was traced.
        channels_first: Whether the graph's layers are channels first.
        edges: The edges of the graph, those nearest the output first.
    """

    def __init__(self, output: Any, shapes: Shapes | None = None) -> None:
        self.output = output
        self._tensors = ancestors(output)
        self._shapes = shapes or {}
        self.channels_first = is_channels_first(self._tensors)
        self.edges = [edge for tensor in self._tensors for edge in self._edges_into(tensor)]
        self._positions: dict[Any, Position] = {output: _identity(output)}
        for edge in self.edges:
            if edge.target in self._positions:
                self._reach(edge)

    def _reach(self, edge: Edge) -> None:
        """Take the way along ``edge`` into account for its source."""
        way = compose(self._positions[edge.target], edge.position)
        known = self._positions.get(edge.source)
        if known is None or isinstance(known, Everywhere):
            self._positions[edge.source] = way
        elif isinstance(known, Refusal) or isinstance(way, Everywhere) or way == known:
            return
        elif isinstance(way, Refusal):
            self._positions[edge.source] = way
        else:
            self._positions[edge.source] = Refusal(_disagreement(edge.source, self.edges))

    def _edges_into(self, target: Any) -> list[Edge]:
        operation, node_index, output_index = target._keras_history
        if isinstance(operation, keras.Model) and getattr(operation, "inputs", None):
            ways = _ways_through(operation, operation.outputs[output_index], sources(target))
        else:
            arguments = None if operation is None else operation._inbound_nodes[node_index].arguments
            ways = [_way(operation, arguments, self._layout(source)) for source in sources(target)]
        return [
            Edge(source, target, operation, way)
            for source, way in zip(sources(target), ways, strict=True)
            if way is not None
        ]

    def _layout(self, tensor: Any) -> Layout:
        return Layout.of_shape(self._shapes.get(tensor, tensor.shape), self.channels_first)

    def __iter__(self) -> Iterator[Any]:
        return (tensor for tensor in self._tensors if tensor in self._positions)

    def __contains__(self, tensor: Any) -> bool:
        return tensor in self._positions

    def __getitem__(self, tensor: Any) -> Maps:
        """Return the maps from ``tensor`` to ``output``.

        Raises:
            AlignmentError: ``tensor`` does not lead to ``output``, or not by one map per axis.
        """
        position = self.position(tensor)
        if position is None:
            raise AlignmentError(
                f"No path leads from {made_by(tensor)} to {made_by(self.output)}. Trace tensors of one graph."
            )
        if isinstance(position, Everywhere):
            raise AlignmentError(
                f"{made_by(tensor)} reaches {made_by(self.output)} through global pooling only, which has "
                "no coordinate map."
            )
        if isinstance(position, Refusal):
            raise AlignmentError(position.reason)
        return position

    def position(self, tensor: Any) -> Position | None:
        """Return what is known about the way from ``tensor``; None where there is no way."""
        return self._positions.get(tensor)


def trace(output: Any, *, shapes: Shapes | None = None) -> Trace:
    """Follow the graph of a Keras tensor backwards and compose the coordinate maps on the way.

    Layers that have no map (Reshape, Lambda, ...) are no error here: asking for a tensor behind one is.

    Args:
        output: A symbolic tensor of a Keras functional model.
        shapes: Shapes to go by instead of the tensors' own, for graphs of unknown sizes; see
            :func:`shapes_inside`.

    Returns:
        A :class:`Trace`: ``trace(y)[x]`` are the maps from ``x`` to ``y``, one for each spatial axis.

    Raises:
        AlignmentError: ``output`` is no symbolic tensor of a functional graph.

    Example:
        >>> x = keras.Input([32, 32, 3])
        >>> y = keras.layers.MaxPooling2D()(keras.layers.Conv2D(8, 3)(x))
        >>> [str(axis) for axis in trace(y)[x]]
        ['1/2 * x - 3/4', '1/2 * x - 3/4']
    """
    check_symbolic("output", output)
    return Trace(output, shapes)


def check_symbolic(name: str, tensor: Any) -> None:
    """Raise AlignmentError unless ``tensor`` belongs to a functional graph."""
    if not keras.utils.is_keras_tensor(tensor) or not hasattr(tensor, "_keras_history"):
        raise AlignmentError(
            f"{name} must be a tensor of a Keras functional graph (keras.Input and what layers make of it); "
            f"received {type(tensor).__name__}."
        )


def _ways_through(model: Any, output: Any, outer_sources: Sequence[Any]) -> list[Position | None]:
    """The ways from the inputs of a model that is called like a layer to one of its outputs."""
    ways = list(map(Trace(output).position, model.inputs))
    if not any(isinstance(way, Refusal) for way in ways):
        return ways  # nothing depends on sizes
    per_shape = [
        list(map(Trace(output, shapes_inside(model, output, shapes)).position, model.inputs))
        for shapes in representative_shapes(outer_sources)
    ]
    varies = Refusal(
        f"Model {named(model)} moves samples differently for different sizes. Give keras.Input a fixed size."
    )
    return [found[0] if len(set(found)) == 1 else varies for found in zip(*per_shape, strict=True)]


def _way(operation: Any, arguments: Any, layout: Layout) -> Position:
    way: Maps | Everywhere
    try:
        if hasattr(operation, "coordinate_map"):
            way = operation.coordinate_map(layout.sizes, *arguments.args[1:], **arguments.kwargs)
        elif isinstance(operation, keras.layers.Layer):
            way = layer_position(operation, layout)
        else:
            way = operation_maps(operation, arguments.args, layout)
        wrong = other_data_format(operation, layout.channels_first)
        if wrong and not isinstance(way, Everywhere) and any(axis != CoordinateMap() for axis in way):
            raise AlignmentError(wrong)
        return way
    except AlignmentError as error:
        return Refusal(f"Layer {named(operation)} {error}.")


def _identity(tensor: Any) -> Maps:
    return (CoordinateMap(),) * (len(tensor.shape) - 2)


def _disagreement(start: Any, backward_edges: list[Edge]) -> str:
    """The sentence about the first layer where two ways from ``start`` meet with different maps."""
    ways: dict[Any, tuple[Maps, Edge | None]] = {start: (_identity(start), None)}
    for edge in reversed(backward_edges):
        if edge.source not in ways:
            continue
        way = compose(edge.position, ways[edge.source][0])
        if not isinstance(way, tuple):
            continue
        if edge.target not in ways:
            ways[edge.target] = (way, edge)
            continue
        other, other_edge = ways[edge.target]
        for axis, (one, two) in enumerate(zip(other, way, strict=True)):
            if one != two and other_edge is not None:
                return (
                    f"Layer {named(edge.operation)} joins tensors that lie differently on "
                    f"spatial axis {axis}: {one} by way of {made_by(other_edge.source)}, {two} by way of "
                    f"{made_by(edge.source)} (x: samples of {made_by(start)}). Pad or crop one of them."
                )
    return f"Paths from {made_by(start)} disagree."
