"""How far a model's outputs look, and where its tiles may start."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_reading import NotLocal, Sizes
from tfdeconv.tiling.graph_walk import Everywhere, Found, GraphWalk, Place
from tfdeconv.tiling.piece import Piece
from tfdeconv.tiling.scales import Scales

_NOMINAL = 1 << 14
"""A size above all kernels, where only ratios of sizes are wanted."""

_FIRST_TRIED = 2048
"""Samples of the first piece that is tried."""

_LONGEST = 1 << 16
"""Longest piece tried, in strides: a model that keeps nothing of it looks at everything."""


class Reach:
    """What the graph of a model says about tiles, along each spatial axis.

    Args:
        model: A functional or Sequential model.
        assume: Whether layers that mix further than a neighbourhood are passed over.

    Attributes:
        rank: Spatial axes.
        channels_first: Whether they come behind the channels.
        tiled: For each input, whether it is cut; others are the same for every tile.
        stride: Multiple at which tiles start, in samples of the first tiled input.
        input_scales: For each input that is cut, its samples for each sample of the first one.
        output_scales: The same for each output; None for one without places.

    Raises:
        InvalidArgumentError: The model is no functional one.
        NotLocal: A layer mixes more than a neighbourhood; the message names it.

    Example:
        >>> model = keras.Sequential([keras.Input([None, 1]), keras.layers.Conv1D(4, 3)])
        >>> model.add(keras.layers.MaxPooling1D(2))
        >>> reach = Reach(model)
        >>> reach.stride, reach.halo
        ((2,), (3,))
    """

    def __init__(self, model: Any, *, assume: bool = False) -> None:
        if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
            raise InvalidArgumentError(
                "model must be a functional or Sequential Keras model with keras.Input; received "
                f"{type(model).__name__}. Build it from keras.Input, so that its graph can be read."
            )
        ranks = [len(tensor.shape) - 2 for tensor in (*model.outputs, *model.inputs)]
        self.rank = next((rank for rank in ranks if rank >= 1), 0)
        self.tiled = [len(tensor.shape) - 2 == self.rank for tensor in model.inputs]
        if self.rank < 1 or not any(self.tiled):
            raise NotLocal(
                f"model {model.name!r} has no input and output of spatial axes, from {_shapes(model.inputs)} "
                f"to {_shapes(model.outputs)}, so nothing can be cut. Tile the part that is convolutional"
            )
        self.channels_first = _is_channels_first(model)
        self._inputs = model.inputs
        self._walk = GraphWalk(model, self.channels_first)
        self._losses: dict[tuple[Sizes, ...], tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._find_scales(assume)

    def _find_scales(self, assume: bool) -> None:
        scales = Scales()
        inside: list[Place] = []
        inputs = self._places([[(0, _NOMINAL, _NOMINAL)] * self.rank] * sum(self.tiled))
        found = self._walk(inputs, joined=scales.joined, seen=inside.append, assume=assume)
        self.input_scales = [scales.of_place(place) for place in inputs if isinstance(place, Place)]
        self.output_scales = [scales.of_place(place) if isinstance(place, Place) else None for place in found]
        everything = [*self.input_scales, *map(scales.of_place, inside)]
        self.stride = tuple(
            math.lcm(*(tensor[axis].denominator for tensor in everything)) for axis in range(self.rank)
        )

    def _places(self, pieces: Sequence[Sequence[tuple[int, int, int]]]) -> list[Found]:
        """The places of the inputs, from (start, size, whole) of those that are cut, for each axis."""
        given = iter(enumerate(pieces))
        found: list[Found] = []
        for tensor, tiled in zip(self._inputs, self.tiled, strict=True):
            if not tiled:
                found.append(Everywhere(tuple(tensor.shape)))
                continue
            origin, axes = next(given)
            found.append(Place(tuple(Piece.of_input(*numbers, origin=origin) for numbers in axes)))
        return found

    def context(self, sizes: Sequence[Sizes]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return what a tile needs around what is kept of it, in samples of the first tiled input.

        It depends on the sizes where SAME pads differently in front for even and odd ones.

        Args:
            sizes: Spatial sizes of each input that is cut, in the run on the whole.

        Returns:
            The samples before and the samples after, for each axis.

        Raises:
            InvalidArgumentError: The model refuses these sizes.
        """
        phases = self._phases(sizes)
        if phases not in self._losses:
            self._losses[phases] = self._context(phases)
        return self._losses[phases]

    def _phases(self, sizes: Sequence[Sizes]) -> tuple[Sizes, ...]:
        """The sizes without as many common strides as there are: what differs by those behaves alike."""
        pairs = list(zip(sizes, self.input_scales, strict=True))
        found = [list(own) for own in sizes]
        for axis, stride in enumerate(self.stride):
            strides = min(int(own[axis] // (stride * scales[axis])) for own, scales in pairs)
            for own, (_, scales) in zip(found, pairs, strict=True):
                own[axis] -= int(strides * stride * scales[axis])
        return tuple(map(tuple, found))

    def _context(self, phases: Sequence[Sizes]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        refused: InvalidArgumentError | None = None
        strides = max(4, _FIRST_TRIED // max(self.stride))
        while strides <= _LONGEST:
            try:
                found = self._inner(phases, strides)
                refused = None
            except NotLocal:
                raise
            except InvalidArgumentError as error:  # the model takes no such sizes, or only longer ones
                refused, found = error, None
            if found is not None:
                return found
            strides *= 2
        if refused is not None:
            raise refused
        raise NotLocal("the model's outputs depend on more than a neighbourhood of any length that was tried")

    def _inner(self, phases: Sequence[Sizes], strides: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The context of a tile of that many strides in the middle of a whole; None where nothing is kept."""
        pieces = []
        for own, scales in zip(phases, self.input_scales, strict=True):
            axes = []
            for phase, stride, scale in zip(own, self.stride, scales, strict=True):
                length = int(strides * stride * scale)
                axes.append((length, phase + length, phase + 3 * length))
            pieces.append(axes)
        lengths = [size for _, size, _ in pieces[0]]
        before, after = [0] * self.rank, [0] * self.rank
        for place, output_scales in zip(self._walk(self._places(pieces)), self.output_scales, strict=True):
            if not isinstance(place, Place) or output_scales is None:
                continue
            for axis, (piece, scale) in enumerate(zip(place.axes, output_scales, strict=True)):
                if piece.first >= piece.last:
                    return None
                before[axis] = max(before[axis], math.ceil(piece.first / scale))
                after[axis] = max(after[axis], math.ceil(lengths[axis] - piece.last / scale))
        return tuple(before), tuple(after)

    @cached_property
    def halo(self) -> tuple[int, ...]:
        """Samples around a tile that suffice for every size, along each axis."""
        found: list[tuple[int, ...]] = []
        refused: InvalidArgumentError | None = None
        for phase, rounded in itertools.product(range(max(self.stride)), (math.floor, math.ceil)):
            sizes = [
                tuple(
                    rounded(phase % stride * scale) for stride, scale in zip(self.stride, scales, strict=True)
                )
                for scales in self.input_scales
            ]
            try:
                found += self.context(sizes)
            except NotLocal:
                raise
            except InvalidArgumentError as error:  # a size that the model itself refuses
                refused = error
        if not found:
            assert refused is not None
            raise refused
        return tuple(map(max, zip(*found, strict=True)))


def _shapes(tensors: Sequence[Any]) -> str:
    return " and ".join(str(tuple(tensor.shape)) for tensor in tensors)


def _is_channels_first(model: Any) -> bool:
    """Whether the first layer that says so, submodels included, is channels first."""
    for layer in model._flatten_layers(include_self=False, recursive=True):
        data_format = getattr(layer, "data_format", None)
        if data_format is not None:
            return bool(data_format == "channels_first")
    return bool(keras.config.image_data_format() == "channels_first")
