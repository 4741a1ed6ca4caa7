"""Following pieces of the inputs forwards through a Keras functional graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from tfdeconv.alignment.graph import named
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Reads
from tfdeconv.keras_reading import NotLocal, Sizes, layer_reads, operation_reads
from tfdeconv.tiling.piece import Piece


@dataclass(frozen=True)
class Place:
    """Where a tensor of a tile's run lies on that of the whole's.

    Attributes:
        axes: One piece for each spatial axis.
    """

    axes: tuple[Piece, ...]

    def joined(self, other: Place) -> Place:
        """Return the place of what this and ``other`` are joined to."""
        return Place(tuple(map(Piece.joined, self.axes, other.axes)))


class Switches(Place):
    """The place of positions of maxima, which count in a tile as if that were the whole.

    The unpooling that takes them back does so in the same tile; anything else would see other numbers.
    """


@dataclass(frozen=True)
class Everywhere:
    """A tensor that no tiled input leads to: the same in every run.

    Attributes:
        shape: Its symbolic shape.
    """

    shape: tuple[int | None, ...]


Found: TypeAlias = Place | Everywhere


class GraphWalk:
    """A functional model as a graph that places are sent through.

    Args:
        model: A functional or Sequential model.
        channels_first: Whether the spatial axes come behind the channels.
    """

    def __init__(self, model: Any, channels_first: bool) -> None:
        self._model = model
        self._channels_first = channels_first
        self._nodes: dict[int, list[Any]] = {}

    def __call__(
        self,
        inputs: Sequence[Found],
        *,
        joined: Callable[[Place, Place], Place] = Place.joined,
        seen: Callable[[Place], object] = lambda place: None,
        assume: bool = False,
    ) -> list[Found]:
        """Return the places of the outputs for those of the inputs.

        Args:
            inputs: The place of each input.
            joined: What two places that meet become.
            seen: Called with the place of every tensor inside.
            assume: Whether a layer that mixes further is taken to keep its samples' places.

        Raises:
            NotLocal: A layer mixes more than a neighbourhood; the message names it and where it is.
        """
        walk = _Walk(self._channels_first, joined, seen, assume, self._nodes)
        found = walk.through_model(self._model, inputs, "")
        if not assume and any(isinstance(place, Switches) for place in found):
            raise NotLocal("an output holds switches, which count along the whole picture. Leave it out")
        return found


@dataclass(frozen=True)
class _Walk:
    channels_first: bool
    joined: Callable[[Place, Place], Place]
    seen: Callable[[Place], object]
    assume: bool
    nodes: dict[int, list[Any]]

    def through_model(self, model: Any, inputs: Sequence[Found], path: str) -> list[Found]:
        places = {id(tensor): place for tensor, place in zip(model.inputs, inputs, strict=True)}
        for node in self._in_order(model):
            given = [places[id(tensor)] for tensor in node.input_tensors]
            found: Sequence[Found]
            if all(isinstance(place, Everywhere) for place in given):
                found = [Everywhere(tuple(tensor.shape)) for tensor in node.outputs]
            elif isinstance(node.operation, keras.Model) and getattr(node.operation, "inputs", None):
                found = self.through_model(node.operation, given, f"{path}{node.operation.name}/")
            else:
                found = self._behind(node, places, path)
            places.update((id(tensor), place) for tensor, place in zip(node.outputs, found, strict=True))
        return [places[id(tensor)] for tensor in model.outputs]

    def _in_order(self, model: Any) -> list[Any]:
        if id(model) not in self.nodes:
            by_depth = keras.Function(model.inputs, model.outputs)._nodes_by_depth
            levels = (by_depth[depth] for depth in sorted(by_depth, reverse=True))
            self.nodes[id(model)] = [node for level in levels for node in level if not node.is_input]
        return self.nodes[id(model)]

    def _behind(self, node: Any, places: dict[int, Found], path: str) -> list[Found]:
        """The places of what a layer returns."""
        args, named_args = node.arguments.fill_in(places)
        try:
            place = self._through_layer(node.operation, list(args), dict(named_args))
        except NotLocal as error:
            assumed = self._assumed(node, places) if self.assume else None
            if assumed is not None:
                return [assumed] * len(node.outputs)
            raise NotLocal(f"layer {path}{_named(node.operation)} {error}") from None
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"layer {path}{_named(node.operation)}: {error}") from None
        self.seen(place)
        if getattr(node.operation, "switches", None) == "makes":
            return [place, Switches(place.axes)]
        return [place] * len(node.outputs)

    def _through_layer(self, operation: Any, args: list[Any], named_args: dict[str, Any]) -> Place:
        for name in ("training", "mask"):
            named_args.pop(name, None)
        if isinstance(operation, keras.layers.Layer):
            values = args.pop(0) if args else named_args.pop(next(iter(named_args)))
            given: list[Any] = list(values) if isinstance(values, list | tuple) else [values]
        else:  # operators and functions work on all that they are given
            given = [value for value in keras.tree.flatten(args) if isinstance(value, Place | Everywhere)]
            args = [value for value in args if not isinstance(value, Place | Everywhere)]
        takes = [1] if getattr(operation, "switches", None) == "takes" else []
        if [number for number, value in enumerate(given) if isinstance(value, Switches)] != takes:
            raise NotLocal(
                "takes switches that no pooling of the model made, and that count along the whole picture"
                if takes
                else "reads switches, which count along the whole picture. Give them to MaxUnpooling2D alone"
            )
        tiled = [place for place in given if isinstance(place, Place)]
        if not tiled:
            raise NotLocal("takes its values from tensors that are no pictures. Give it the picture first")
        for value in given:
            if isinstance(value, Everywhere):
                _check_broadcasts(value, len(tiled[0].axes), self.channels_first)
        whole, part = (
            self._reads(operation, tiled, args, named_args, size_of) for size_of in (_whole_size, _part_size)
        )
        behind: Place | None = None
        for place, whole_stages, part_stages in zip(tiled, whole, part, strict=True):
            if whole_stages is None or part_stages is None:
                continue
            for whole_axes, part_axes in zip(whole_stages, part_stages, strict=True):
                place = Place(tuple(map(Piece.through, place.axes, whole_axes, part_axes)))
            behind = place if behind is None else self.joined(behind, place)
        assert behind is not None, "the first tensor gives values"
        return behind

    def _assumed(self, node: Any, places: dict[int, Found]) -> Found | None:
        """What a layer that mixes further returns if its samples keep their places, as far as sizes tell."""
        given = [place for tensor in node.input_tensors if isinstance(place := places[id(tensor)], Place)]
        rank = len(given[0].axes)
        first = 2 if self.channels_first else 1

        def with_sizes(tensor: Any) -> Any:
            place = places.get(id(tensor)) if isinstance(tensor, keras.KerasTensor) else None
            if not isinstance(place, Place):
                return tensor
            sizes = [piece.whole for piece in place.axes]
            shape = (*tensor.shape[:first], *sizes, *tensor.shape[first + rank :])
            return keras.KerasTensor(shape, tensor.dtype)

        args, named_args = node.arguments.convert(with_sizes)
        shape = keras.tree.flatten(node.operation.compute_output_spec(*args, **named_args))[0].shape
        sizes = shape[first : first + rank]
        if len(shape) != rank + 2 or set(sizes) == {1}:
            return Everywhere(tuple(node.outputs[0].shape))
        before = [piece.whole for piece in given[0].axes]
        if None in sizes or any(
            max(one, two) % min(one, two) for one, two in zip(before, sizes, strict=True)
        ):
            return None
        resized = [
            Reads.nearest(old, new // old) if new >= old else Reads.convolution(old, old // new, old // new)
            for old, new in zip(before, sizes, strict=True)
        ]
        return Place(
            tuple(piece.through(reads, reads) for piece, reads in zip(given[0].axes, resized, strict=True))
        )

    def _reads(
        self,
        operation: Any,
        tiled: Sequence[Place],
        args: list[Any],
        named_args: dict[str, Any],
        size_of: Callable[[Piece], int],
    ) -> Any:
        def sizes(value: Any) -> Any:
            return tuple(map(size_of, value.axes)) if isinstance(value, Place) else value

        inputs: list[Sizes] = [sizes(place) for place in tiled]
        if isinstance(operation, keras.layers.Layer):
            named_sizes = {name: sizes(value) for name, value in named_args.items()}
            return layer_reads(operation, inputs, self.channels_first, *map(sizes, args), **named_sizes)
        return operation_reads(operation, inputs, self.channels_first, args)


def _named(operation: Any) -> str:
    return named(operation).replace("'", "")


def _whole_size(piece: Piece) -> int:
    return piece.whole


def _part_size(piece: Piece) -> int:
    return piece.size


def _check_broadcasts(value: Everywhere, rank: int, channels_first: bool) -> None:
    spatial = value.shape[2:] if channels_first else value.shape[1:-1]
    if len(spatial) != rank or set(spatial) != {1}:
        raise NotLocal(
            f"is given a tensor of shape {value.shape} that comes from no tiled input. Give it spatial "
            "sizes of 1, so that it is the same at every place"
        )
