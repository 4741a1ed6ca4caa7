"""Running a model on pictures of any size, tile by tile, with the result of the whole."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import AxisTile, axis_arguments, axis_tiles, smallest_tile, spans
from tfdeconv.keras_reading import NotLocal, Sizes
from tfdeconv.tiling.model_arguments import ModelArguments
from tfdeconv.tiling.reach import Reach


class Tiled:
    """A model that runs on tiles; made by :func:`tfdeconv.tiled`.

    Attributes:
        model: The model that runs.
        tile: Longest side of a tile, context included, for each spatial axis.
        batch: Tiles that run together.
        halo: Samples around a tile that its outputs depend on, enough for every size, for each spatial axis.
        stride: Multiple at which tiles start, for each spatial axis.
        exact: Whether results are those of the whole.
        reason: Why they are not; empty where they are.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        tile: int | Sequence[int] = 512,
        batch: int = 1,
        halo: int | Sequence[int] | None = None,
    ) -> None:
        self.model = model
        self.batch = axis_arguments.at_least(1, "batch", batch)
        self.reason = ""
        try:
            self._reach = Reach(model)
            needed: tuple[int, ...] | None = self._reach.halo
        except NotLocal as error:
            if halo is None:
                raise InvalidArgumentError(
                    f"model {model.name!r} has no exact tiles: {error}. Or give halo=, the context around "
                    "each tile in samples, for results that are near those of the whole."
                ) from None
            self.reason = str(error)
            self._reach = Reach(model, assume=True)
            needed = None
        rank = self._reach.rank
        self.stride = self._reach.stride
        self.tile = axis_arguments.per_axis("tile", tile, rank)
        self._given_halo = None if halo is None else axis_arguments.per_axis("halo", halo, rank, minimum=0)
        self.halo = self._given_halo or needed or ()
        if needed is not None and any(own < least for own, least in zip(self.halo, needed, strict=True)):
            self.reason = f"halo is {_by(self.halo)}, and the outputs depend on {_by(needed)} samples"
        self.exact = not self.reason
        if self.reason:
            warnings.warn(
                f"Tiles of {model.name!r} are approximate: {self.reason}. Compare with the whole picture.",
                UserWarning,
                stacklevel=3,
            )
        self._check_fixed_sizes()
        self._arguments = ModelArguments(model)
        self._function = self._compiled()

    def _check_fixed_sizes(self) -> None:
        """Raise where the model takes one size alone, and that is larger than the tile."""
        tiled_inputs = itertools.compress(self.model.inputs, self._reach.tiled)
        for tensor, scales in zip(tiled_inputs, self._reach.input_scales, strict=True):
            sizes = self._sizes(tensor)
            for size, tile, scale in zip(sizes, self.tile, scales, strict=True):
                if size is not None and size > tile * scale:
                    raise InvalidArgumentError(
                        f"model {self.model.name!r} takes {tensor.name!r} in the sizes {sizes} (None: any) "
                        f"alone, so that it cannot run on tiles of {_by(self.tile)}. Make it with "
                        "keras.Input whose spatial sizes are None, or use a larger tile."
                    )

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "approximate"
        numbers = f"tile {_by(self.tile)}, halo {_by(self.halo)}, stride {_by(self.stride)}"
        return f"<{kind} tiles of {self.model.name!r}: {numbers}>"

    @property
    def scales(self) -> dict[str, tuple[Fraction, ...]]:
        """Name -> samples for each sample of the first tiled input, along each spatial axis.

        For every input and output that has places; others are the same for all tiles.
        """
        inputs = itertools.compress(self._arguments.input_names, self._reach.tiled)
        outputs = zip(self._arguments.output_names, self._reach.output_scales, strict=True)
        return dict(zip(inputs, self._reach.input_scales, strict=True)) | {
            name: scale for name, scale in outputs if scale is not None
        }

    @property
    def channels_first(self) -> bool:
        """Whether the spatial axes come behind the channels."""
        return self._reach.channels_first

    def check_tile(self) -> None:
        """Raise unless the tile suffices for every size.

        Raises:
            InvalidArgumentError: It is all context for some.
        """
        least = tuple(
            smallest_tile(halo, halo, stride) for halo, stride in zip(self.halo, self.stride, strict=True)
        )
        if any(tile < size for tile, size in zip(self.tile, least, strict=True)):
            raise InvalidArgumentError(
                f"tile must be at least {_by(least)} for {self.model.name!r}, whose outputs depend on "
                f"{_by(self.halo)} samples around; received {_by(self.tile)}."
            )

    def __call__(self, inputs: Any) -> Any:
        """Return what the model returns for ``inputs``, as NumPy arrays.

        Args:
            inputs: What the model takes: arrays or tensors. Only slices of them are read, so that a
                ``numpy.memmap`` is never in memory as a whole.

        Raises:
            InvalidArgumentError: The model refuses the shapes, or the tile is too small for its context.
        """
        arrays = self._arguments.flat_inputs(inputs)
        specs = self._arguments.output_shapes(arrays)
        results = [np.empty(spec.shape, spec.dtype) for spec in specs]
        jobs = list(itertools.product(range(len(arrays[0])), self._tiles(arrays, results)))
        for first in range(0, len(jobs), self.batch):
            group = jobs[first : first + self.batch]
            given = [
                np.concatenate([np.asarray(array[self._seen(number, *job)]) for job in group])
                for number, array in enumerate(arrays)
            ]
            packed = self._arguments.inputs(
                [
                    tf.convert_to_tensor(array.astype(tensor.dtype, copy=False))
                    for array, tensor in zip(given, self.model.inputs, strict=True)
                ]
            )
            answers = self._arguments.flat_outputs(self._function(packed))
            for number, (result, answer) in enumerate(zip(results, answers, strict=True)):
                values = answer.numpy()
                for row, job in enumerate(group):
                    whole, part = self._placed(number, *job)
                    result[whole] = values[row][part]
        return self._arguments.outputs(results)

    def _compiled(self) -> Any:
        """The model as a graph: one for all sizes, or one for each where a layer needs to know them."""

        def call(inputs: Any) -> Any:
            return self.model(inputs, training=False)

        specs = self._arguments.inputs(
            [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in self.model.inputs]
        )
        for_all = tf.function(call, input_signature=[specs], autograph=False)
        try:
            for_all.get_concrete_function()
        except (TypeError, ValueError):  # keras.layers.UpSampling2D does with an interpolation
            return tf.function(call, autograph=False)
        return for_all

    def _tiles(self, arrays: Sequence[Any], results: Sequence[Any]) -> list[tuple[AxisTile, ...]]:
        """Every tile, row by row, with an entry for each spatial axis."""
        reach = self._reach
        sizes = [self._sizes(array) for array in itertools.compress(arrays, reach.tiled)]
        placed = [scales is not None for scales in reach.output_scales]
        output_sizes = [self._sizes(result) for result in itertools.compress(results, placed)]
        output_scales = [scales for scales in reach.output_scales if scales is not None]
        whole = all(size <= tile for size, tile in zip(sizes[0], self.tile, strict=True))
        before = after = self.halo if whole or self._given_halo is not None else None
        if before is None or after is None:
            before, after = reach.context(sizes)
        axes = []
        for axis, size in enumerate(sizes[0]):
            pieces = spans(
                size,
                tile=self.tile[axis],
                before=before[axis],
                after=after[axis],
                stride=self.stride[axis],
            )
            axes.append(
                axis_tiles(
                    pieces,
                    [own[axis] for own in sizes],
                    [own[axis] for own in output_sizes],
                    input_scales=[scales[axis] for scales in reach.input_scales],
                    output_scales=[scales[axis] for scales in output_scales],
                )
            )
        return list(itertools.product(*axes))

    def _sizes(self, array: Any) -> Sizes:
        first = 2 if self._reach.channels_first else 1
        return tuple(array.shape[first : first + self._reach.rank])

    def _seen(self, number: int, picture: int, tile: tuple[AxisTile, ...]) -> tuple[slice, ...]:
        """What of one input a tile sees."""
        picture_only = (slice(picture, picture + 1),)
        if not self._reach.tiled[number]:
            return picture_only
        place = sum(self._reach.tiled[:number])
        return picture_only + self._spatial(axis.inputs[place] for axis in tile)

    def _placed(
        self, number: int, picture: int, tile: tuple[AxisTile, ...]
    ) -> tuple[tuple[int | slice, ...], tuple[slice, ...]]:
        """Where in one output the values of a tile belong, and which of them."""
        if self._reach.output_scales[number] is None:
            return (picture,), ()
        place = sum(scales is not None for scales in self._reach.output_scales[:number])
        kept = self._spatial(axis.kept[place] for axis in tile)
        return (picture, *kept), self._spatial(axis.taken[place] for axis in tile)

    def _spatial(self, slices: Iterable[slice]) -> tuple[slice, ...]:
        return (*([slice(None)] if self._reach.channels_first else []), *slices)


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def tiled(
    model: keras.Model,
    *,
    tile: int | Sequence[int] = 512,
    batch: int = 1,
    halo: int | Sequence[int] | None = None,
) -> Tiled:
    """Return ``model`` for pictures of any size: it runs on tiles, and the result is that of the whole.

    How far outputs look, and where tiles may start so that strides meet the phase that they have in the
    whole, is computed from the graph. Beside inputs and outputs, the memory needed is set by ``tile``.

    Args:
        model: A functional or Sequential model whose layers each look at a neighbourhood: convolutions,
            pooling, resizing by a factor, crops, sums. Sequences, pictures or volumes.
        tile: Longest side of a tile, context included; one for each spatial axis, or an int for all of them.
        batch: Tiles that run together.
        halo: Samples of context around each tile instead of those that the graph says. A model that mixes
            globally can be run so, approximately: a warning says it.

    Returns:
        A :class:`Tiled`, called like the model; it returns NumPy arrays.

    Raises:
        InvalidArgumentError: The model is no functional one, or a layer mixes more than a neighbourhood; the
            message names it.

    Example:
        >>> model = keras.Sequential([keras.Input([None, None, 3])])
        >>> model.add(keras.layers.Conv2D(2, 5, padding="same"))
        >>> model.add(keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same"))
        >>> small = tiled(model, tile=16)
        >>> small.halo, small.stride
        ((3, 3), (1, 1))
        >>> picture = np.random.default_rng(0).random([1, 37, 50, 3], np.float32)
        >>> bool(np.allclose(small(picture), model(picture), atol=1e-5))
        True
    """
    return Tiled(model, tile=tile, batch=batch, halo=halo)
