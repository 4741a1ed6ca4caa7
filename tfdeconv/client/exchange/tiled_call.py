"""One call that goes through a served model as many small ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import AxisTile, axis_tiles, spans
from tfdeconv.wire import tile_rule
from tfdeconv.wire.tile_rule import TileRule


def read_rule(tiles: Any) -> TileRule:
    """Return the rule that a caller names: a :class:`TileRule`, a version folder, or the file in it.

    Raises:
        InvalidArgumentError: There is no such file, or it is another one.
    """
    if isinstance(tiles, TileRule):
        return tiles
    path = Path(tiles)
    if path.is_dir():
        path = path / "assets.extra" / tile_rule.FILE
    try:
        return TileRule.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidArgumentError(
            f"tiles must be a version folder that export_saved_model(..., tile=...) wrote, or the "
            f"{tile_rule.FILE} in it; {str(path)!r} cannot be read: {reason}."
        ) from None


class TiledCall:
    """Cuts the inputs of a call, and joins the answers.

    Args:
        inputs: Name -> array, batch first.
        rule: How the model is cut.

    Attributes:
        results: Name -> array of each output, when all answers are placed.

    Raises:
        InvalidArgumentError: Inputs do not have the spatial axes of the rule.
    """

    def __init__(self, inputs: Mapping[str, Any], rule: TileRule) -> None:
        self._inputs = {name: np.asarray(value) for name, value in inputs.items()}
        self._rule = rule
        self._cut = [name for name in self._inputs if name in rule.scale]
        self._rank = len(rule.tile)
        for name in self._cut:
            if self._inputs[name].ndim != self._rank + 2 or 0 in self._inputs[name].shape:
                raise InvalidArgumentError(
                    f"input {name!r} must have a batch, {self._rank} spatial axes and channels, none empty; "
                    f"received shape {list(self._inputs[name].shape)}."
                )
        if not self._cut:
            raise InvalidArgumentError(
                f"inputs must hold one that is tiled, of {', '.join(rule.scale)}; "
                f"received {', '.join(self._inputs)}."
            )
        self._cut.sort(key=list(rule.scale).index)
        self._sizes = [self._spatial_sizes(self._inputs[name]) for name in self._cut]
        self._spans = [
            spans(size, tile=tile, before=halo, after=halo, stride=stride)
            for size, tile, halo, stride in zip(
                self._sizes[0], rule.tile, rule.halo, rule.stride, strict=True
            )
        ]
        self.results: dict[str, NDArray[Any]] = {}
        self._grid = self._tiles({})

    @property
    def batch(self) -> int:
        """Pictures."""
        return len(self._inputs[self._cut[0]])

    def jobs(self) -> list[tuple[int, int]]:
        """Return (picture, tile) of each request."""
        return list(itertools.product(range(self.batch), range(len(self._grid))))

    def __len__(self) -> int:
        return self.batch * len(self._grid)

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the inputs of each request, drawn when it is sent, in the order of :meth:`jobs`."""
        for picture, number in self.jobs():
            tile = self._grid[number]
            request = {}
            for name, array in self._inputs.items():
                one = array[picture : picture + 1]
                place = self._cut.index(name) if name in self._cut else None
                request[name] = one if place is None else one[(slice(None), *self._spatial(tile, place))]
            yield request

    def place(self, job: tuple[int, int], outputs: Mapping[str, NDArray[Any]]) -> None:
        """Take the answer of one request."""
        picture, number = job
        if not self.results:
            self._prepare(outputs)
        placed = [name for name in outputs if name in self._rule.scale]
        for name, values in outputs.items():
            if name not in placed:
                self.results[name][picture] = values[0]
                continue
            place = placed.index(name)
            tile = self._grid[number]
            leading: list[slice] = [slice(None)] if self._rule.channels_first else []
            whole: tuple[int | slice, ...] = (picture, *leading, *(axis.kept[place] for axis in tile))
            part: tuple[int | slice, ...] = (0, *leading, *(axis.taken[place] for axis in tile))
            self.results[name][whole] = values[part]

    def _prepare(self, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Make room, by the sizes of the first answer: the rest grows with the input."""
        sizes = {}
        first = 2 if self._rule.channels_first else 1
        for name, values in outputs.items():
            shape = list(values.shape)
            shape[0] = self.batch
            for axis, scale in enumerate(self._rule.scale.get(name, ())):
                span = self._spans[axis][0]
                shape[first + axis] += int((self._sizes[0][axis] - (span.stop - span.start)) * scale)
            self.results[name] = np.empty(shape, values.dtype)
            if name in self._rule.scale:
                sizes[name] = tuple(shape[first : first + self._rank])
        self._grid = self._tiles(sizes)

    def _tiles(self, output_sizes: Mapping[str, tuple[int, ...]]) -> list[tuple[AxisTile, ...]]:
        axes = [
            axis_tiles(
                self._spans[axis],
                [sizes[axis] for sizes in self._sizes],
                [sizes[axis] for sizes in output_sizes.values()],
                input_scales=[self._rule.scale[name][axis] for name in self._cut],
                output_scales=[self._rule.scale[name][axis] for name in output_sizes],
            )
            for axis in range(self._rank)
        ]
        return list(itertools.product(*axes))

    def _spatial(self, tile: tuple[AxisTile, ...], place: int) -> tuple[slice, ...]:
        leading = (slice(None),) if self._rule.channels_first else ()
        return (*leading, *(axis.inputs[place] for axis in tile))

    def _spatial_sizes(self, array: NDArray[Any]) -> tuple[int, ...]:
        first = 2 if self._rule.channels_first else 1
        return array.shape[first : first + self._rank]
