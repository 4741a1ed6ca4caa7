"""Networks that upscale pieces of pictures: in this process, or on a server."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfdeconv.errors import FailedPreconditionError
from tfdeconv.zoo.pictures.receptive_radius import receptive_radius
from tfdeconv.zoo.upscalers.rgb_upscaler import RGBUpscaler
from tfdeconv.zoo.upscalers.upscaler_model import Quality, Source, load_upscaler

Batch = NDArray[np.float32]

_BILINEAR_RADIUS = 1  # of the chroma


class TileNetwork(Protocol):
    """What :func:`tfdeconv.zoo.upscale` needs to know of a network.

    Attributes:
        scale: Upsampling factor.
        context: Pixels around an input pixel that its outputs depend on.
    """

    scale: int
    context: int

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
        self.context = max(receptive_radius(luma_model, scale), _BILINEAR_RADIUS)
        model = RGBUpscaler(luma_model, scale)
        self._function = tf.function(
            lambda batch: model(batch, training=False),
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)],
            autograph=False,
        )

    def run(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the outputs for RGB ``[n, height, width, 3]`` in [0, 1], in order."""
        for batch in batches:
            yield self._function(tf.constant(batch)).numpy()


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
        context: Pixels around an input pixel that its outputs depend on; too few show as seams. None:
            as many as the network needs that tfdeconv ships for the same factor.
        concurrency: Most requests in flight.

    Raises:
        FailedPreconditionError: The served model does not enlarge pictures by a whole factor.
        ServingError: The server cannot be queried.
    """

    def __init__(self, client: Any, *, context: int | None = None, concurrency: int = 4) -> None:
        self._client = client
        self._concurrency = concurrency
        probe = np.zeros((1, 4, 5, 3), np.float32)
        height, width = next(self.run([probe])).shape[1:3]
        self.scale = height // probe.shape[1]
        if self.scale < 2 or (height, width) != (4 * self.scale, 5 * self.scale):
            raise FailedPreconditionError(
                "The served model must enlarge pictures by a whole factor, 2 or more; it maps 5x4 pixels to "
                f"{width}x{height}."
            )
        self.context = default_network(self.scale).context if context is None else context

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
