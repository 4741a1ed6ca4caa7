"""Networks that upscale pieces of pictures: in this process, or on a server."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfdeconv.errors import FailedPreconditionError, InvalidArgumentError
from tfdeconv.keras_reading import NotLocal
from tfdeconv.tiling import Reach
from tfdeconv.zoo.upscalers.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.upscalers.upscaler_model import Quality, Source, load_upscaler

Batch = NDArray[np.float32]


class TileNetwork(Protocol):
    """What :func:`tfdeconv.zoo.upscale` needs to know of a network.

    Attributes:
        scale: Upsampling factor.
        context: Pixels around an input pixel that its outputs depend on.
        stride: Multiple at which pieces of a picture start.
    """

    scale: int
    context: int
    stride: int

    def run(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the outputs for RGB ``[n, height, width, 3]`` in [0, 1], in order.

        Inputs are drawn only as outputs are consumed, but for a few in flight.
        """


class LocalNetwork:
    """A luma model of this process, with chroma interpolated.

    Args:
        luma_model: Maps luma to ``scale`` times the size, as :func:`tfdeconv.zoo.FSRCNN` does.
        scale: Upsampling factor of ``luma_model``.

    Example:
        >>> from tfdeconv.zoo import FSRCNN
        >>> network = LocalNetwork(FSRCNN(3), scale=3)
        >>> [batch.shape for batch in network.run([np.zeros([1, 5, 4, 3], np.float32)])]
        [(1, 15, 12, 3)]
    """

    def __init__(self, luma_model: keras.Model, scale: int) -> None:
        self.scale = scale
        self._model = KerasNetwork(RGBUpscaler(luma_model, scale))
        self.context, self.stride = self._model.context, self._model.stride

    def run(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the outputs for RGB ``[n, height, width, 3]`` in [0, 1], in order."""
        return self._model.run(batches)


class KerasNetwork:
    """Any Keras model that enlarges RGB pictures by a whole factor, of this process.

    Args:
        model: Functional or Sequential, from ``[n, height, width, 3]`` in [0, 1] to ``scale`` times the size,
            of any height and width.

    Raises:
        InvalidArgumentError: The model is no such one, or mixes more than a neighbourhood, so that it has no
            exact tiles.

    Example:
        >>> model = keras.Sequential([keras.Input([None, None, 3]), keras.layers.UpSampling2D(2)])
        >>> network = KerasNetwork(model)
        >>> network.scale, network.context, network.stride
        (2, 0, 1)
    """

    def __init__(self, model: keras.Model) -> None:
        self.scale, self.context, self.stride = _pictures_numbers(model)
        self._function = tf.function(
            lambda batch: model(batch, training=False),
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)],
            autograph=False,
        )

    def run(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the outputs for RGB ``[n, height, width, 3]`` in [0, 1], in order."""
        for batch in batches:
            yield self._function(tf.constant(batch)).numpy()


def _pictures_numbers(model: keras.Model) -> tuple[int, int, int]:
    """Scale, context and stride of a model that enlarges pictures."""
    shapes = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or any(shape[1:] != (None, None, 3) for shape in shapes):
        raise InvalidArgumentError(
            "model must map RGB pictures [batch, height, width, 3] of any size to larger ones; it has the "
            f"shapes {', '.join(map(str, shapes))}. Build it from keras.Input((None, None, 3))."
        )
    try:
        reach = Reach(model)
        halo = max(reach.halo)
    except NotLocal as error:
        raise InvalidArgumentError(f"model {model.name!r} has no exact tiles: {error}.") from None
    scales = set(reach.output_scales[0] or ())
    scale = scales.pop()
    if scales or scale.denominator != 1 or scale < 2:
        raise InvalidArgumentError(
            "model must enlarge both sides by one whole factor, 2 or more; this one has "
            f"{' and '.join(map(str, reach.output_scales[0] or ()))}."
        )
    return int(scale), halo, max(reach.stride)


@functools.cache
def default_network(factor: int, *, quality: Quality = "fast", source: Source = "clean") -> LocalNetwork:
    """Return a network that tfdeconv ships, as :func:`tfdeconv.zoo.load_upscaler` does."""
    model = load_upscaler(factor, quality=quality, source=source, data_format="channels_last")
    return LocalNetwork(model, factor)


class ServedNetwork:
    """A model behind a TensorFlow Serving endpoint, exported from an RGB upscaler.

    The factor is found out by sending a picture of a few pixels.

    Args:
        client: What :func:`tfdeconv.client.connect` returns, with the model's name.
        context: Pixels around an input pixel that its outputs depend on; too few show as seams. None: as
            the model says that was exported with ``tile=``, else as many as the network needs that tfdeconv
            ships for the same factor.
        concurrency: Most requests in flight.

    Raises:
        FailedPreconditionError: The served model does not enlarge pictures by a whole factor.
        ServingError: The server cannot be queried.
    """

    def __init__(self, client: Any, *, context: int | None = None, concurrency: int = 4) -> None:
        self._client = client
        self._concurrency = concurrency
        rule = client.tile_rule()
        self.stride = 1 if rule is None else max(rule.stride)
        rows, columns = 4 * self.stride, 5 * self.stride
        height, width = next(self.run([np.zeros((1, rows, columns, 3), np.float32)])).shape[1:3]
        self.scale = height // rows
        if self.scale < 2 or (height, width) != (rows * self.scale, columns * self.scale):
            raise FailedPreconditionError(
                f"The served model must enlarge pictures by a whole factor, 2 or more; it maps "
                f"{columns}x{rows} pixels to {width}x{height}."
            )
        if context is None:
            context = default_network(self.scale).context if rule is None else max(rule.halo)
        self.context = context

    def run(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the outputs for RGB ``[n, height, width, 3]`` in [0, 1], in order."""
        for outputs in self._client.predict_many(batches, concurrency=self._concurrency):
            if len(outputs) != 1:
                raise FailedPreconditionError(
                    f"The served model must have one output; it has {', '.join(sorted(outputs))}."
                )
            (batch,) = outputs.values()
            if batch.ndim != 4 or batch.shape[-1] != 3:
                raise FailedPreconditionError(
                    f"The served model must return RGB [batch, height, width, 3]; it returned "
                    f"{list(batch.shape)}."
                )
            yield batch
