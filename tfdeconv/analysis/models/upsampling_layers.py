"""The upsampling layers of a Keras model, with the input shapes that they really get."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.keras_reading import conv_transpose_geometry

DEFAULT_SIZE = 32
"""Samples along each axis whose size a model leaves open."""


@dataclass(frozen=True)
class UpsamplingLayer:
    """One upsampling layer at one place of a model.

    Attributes:
        layer: The Keras layer.
        path: Its name, behind the names of the models that it is nested in.
        input_shape: Shape of its (first) input, batch first.
        output_shape: Shape of its output.
        factor: Output samples for each input sample along each axis.
        inputs: Number of tensors that it takes.
        source: The layer that made its input; None where that is the input of the model or not known.
    """

    layer: keras.layers.Layer
    path: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    factor: tuple[int, ...]
    inputs: int
    source: keras.layers.Layer | None

    @property
    def channels_first(self) -> bool:
        """Whether axis 1 holds the channels."""
        return is_channels_first(self.layer)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Input samples along each axis."""
        return self.input_shape[2:] if self.channels_first else self.input_shape[1:-1]

    @property
    def output_size(self) -> tuple[int, ...]:
        """Output samples along each axis."""
        return self.output_shape[2:] if self.channels_first else self.output_shape[1:-1]

    @property
    def channels(self) -> int:
        """Input channels."""
        return self.input_shape[1 if self.channels_first else -1]


def is_channels_first(layer: Any) -> bool:
    """Return whether ``layer`` keeps its channels in axis 1."""
    data_format = getattr(layer, "data_format", None) or keras.config.image_data_format()
    return bool(data_format == "channels_first")


def run_channels_last(layer: Any, x: np.ndarray) -> np.ndarray:
    """Return ``layer(x)`` for a channels-last array, channels last, whatever the layer's own layout."""
    if not is_channels_first(layer):
        return np.asarray(layer(tf.convert_to_tensor(x)))
    return np.moveaxis(np.asarray(layer(tf.convert_to_tensor(np.moveaxis(x, -1, 1)))), 1, -1)


def find_upsampling_layers(
    model: keras.layers.Layer, input_shape: Sequence[int | None] | None = None
) -> tuple[UpsamplingLayer, ...]:
    """Return the layers of ``model`` that return more samples than they get, and all transposed convolutions.

    Args:
        model: A Keras model, or one layer.
        input_shape: Shape of the input without the batch; None: the model's own, with 32 for each
            size that it leaves open. A single layer that was never called needs it.

    Raises:
        InvalidArgumentError: The input shape is not known, or ``model`` is no Keras layer.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input([8, 8, 3]), keras.layers.Conv2D(4, 3), keras.layers.UpSampling2D(2, name="up")]
        ... )
        >>> [(found.path, found.factor) for found in find_upsampling_layers(model)]
        [('up', (2, 2))]
    """
    if not isinstance(model, keras.layers.Layer):
        raise InvalidArgumentError(
            f"model must be a Keras layer or model; received {type(model).__name__}. The path of a saved "
            "model goes to td.analysis.checkerboard."
        )
    found = []
    for call in _trace(model, input_shapes(model, input_shape)):
        factor = _factor(call)
        if factor is not None and (max(factor) > 1 or conv_transpose_geometry(call.layer) is not None):
            found.append(
                UpsamplingLayer(
                    call.layer,
                    call.path,
                    call.inputs[0].shape,
                    call.output_shape,
                    factor,
                    len(call.inputs),
                    call.source,
                )
            )
    return tuple(found)


def input_shapes(
    model: keras.layers.Layer, input_shape: Sequence[int | None] | None
) -> list[tuple[int, ...]]:
    """Return the shape of each input of ``model``, batch 1 and open sizes filled in.

    Example:
        >>> model = keras.Sequential([keras.Input([None, None, 3]), keras.layers.UpSampling2D(2)])
        >>> input_shapes(model, None)
        [(1, 32, 32, 3)]
    """
    if input_shape is None:
        inputs = getattr(model, "inputs", None)
        if not inputs:
            try:
                inputs = [model.input]
            except (AttributeError, ValueError):
                raise InvalidArgumentError(
                    f"input_shape must be given for {model.name!r}, which has no known input; received "
                    "None. Give the shape of one input without the batch, for example (32, 32, 3)."
                ) from None
        given = [tuple(tensor.shape[1:]) for tensor in inputs]
    else:
        given = [tuple(input_shape)]
        inputs = getattr(model, "inputs", None) or ()
        if len(inputs) > 1:
            raise InvalidArgumentError(
                f"input_shape must be None for a model with {len(inputs)} inputs; received {given[0]}. "
                "Its own shapes are used."
            )
        for tensor in inputs:
            check_shape(given[0], tuple(tensor.shape[1:]))
    return [(1, *_concrete(shape, is_channels_first(model))) for shape in given]


def check_shape(given: Sequence[int | None], expected: Sequence[int | None]) -> None:
    """Raise InvalidArgumentError where ``given`` contradicts the ``expected`` shape of an input.

    Example:
        >>> check_shape((64, 64, 3), (None, None, 3))
        >>> check_shape((64, 64), (None, None, 3))
        Traceback (most recent call last):
            ...
        tfdeconv.errors.InvalidArgumentError: input_shape must fit the model's input (None, None, 3) ...
    """
    fits = len(given) == len(expected) and all(
        None in (size, known) or size == known for size, known in zip(given, expected, strict=True)
    )
    if not fits:
        raise InvalidArgumentError(
            f"input_shape must fit the model's input {tuple(expected)} without the batch; received "
            f"{tuple(given)}."
        )


def _concrete(shape: Sequence[int | None], channels_first: bool) -> Iterator[int]:
    channel_axis = 0 if channels_first else len(shape) - 1
    for axis, size in enumerate(shape):
        if size is None and axis == channel_axis and len(shape) > 1:
            raise InvalidArgumentError(
                f"input_shape must name the channels (axis {axis}); received {tuple(shape)}."
            )
        yield DEFAULT_SIZE if size is None else int(size)


@dataclass(frozen=True)
class _Call:
    path: str
    layer: keras.layers.Layer
    inputs: tuple[keras.KerasTensor, ...]
    output_shape: tuple[int, ...]
    source: keras.layers.Layer | None


def _trace(model: keras.layers.Layer, shapes: list[tuple[int, ...]]) -> list[_Call]:
    """Trace ``model`` once, on symbolic tensors, and return the calls of its leaves in order."""
    calls: list[_Call] = []
    makers: dict[Any, keras.layers.Layer] = {}
    specs: Any = [tf.TensorSpec(shape, model.compute_dtype) for shape in shapes]
    specs = specs[0] if len(specs) == 1 else keras.tree.pack_sequence_as(model.input, specs)

    def run(inputs: Any) -> Any:
        calls.clear()  # a layer that makes its variables now is traced twice
        return model(inputs)

    with contextlib.ExitStack() as watched:
        for path, layer in _leaves(model):
            watched.enter_context(_watched(layer, path, calls, makers))
        tf.function(run, autograph=False).get_concrete_function(specs)
    return calls


@contextlib.contextmanager
def _watched(
    layer: keras.layers.Layer, path: str, calls: list[_Call], makers: dict[Any, keras.layers.Layer]
) -> Iterator[None]:
    original = layer.call

    def call(*args: Any, **kwargs: Any) -> Any:
        tensors = [tensor for tensor in tf.nest.flatten(args[:1]) if tf.is_tensor(tensor)]
        result = original(*args, **kwargs)
        if tensors and tf.is_tensor(result):
            inputs = tuple(keras.KerasTensor(tuple(one.shape), one.dtype.name) for one in tensors)
            calls.append(_Call(path, layer, inputs, tuple(result.shape), makers.get(tensors[0].ref())))
        makers.update({made.ref(): layer for made in tf.nest.flatten(result) if tf.is_tensor(made)})
        return result

    vars(layer)["call"] = call  # past Keras's attribute tracking
    try:
        yield
    finally:
        del vars(layer)["call"]


def _leaves(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layers that compute, by path."""
    parts = _parts(layer)
    if not parts:
        yield prefix or layer.name, layer
    for part in parts:
        yield from _leaves(part, f"{prefix}/{part.name}" if prefix else part.name)


def _parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """What ``layer`` is made of; nothing for the layers of Keras and tfdeconv, which are judged whole."""
    if not isinstance(layer, keras.Model) and type(layer).__module__.startswith(
        ("keras.", "tfdeconv.layers")
    ):
        return []
    parts = layer._flatten_layers(include_self=False, recursive=False)
    return [part for part in parts if not isinstance(part, keras.layers.InputLayer)]


def _factor(call: _Call) -> tuple[int, ...] | None:
    """How many output samples one more input sample makes, along each axis; None: not such a layer."""
    rank = len(call.inputs[0].shape) - 2
    if rank < 1 or len(call.output_shape) != rank + 2:
        return None
    first = 2 if is_channels_first(call.layer) else 1
    spatial = slice(first, first + rank)
    sizes = [call.output_shape[spatial]]
    for more in (1, 2):
        larger = [
            keras.KerasTensor(
                [n + more * (first <= axis < spatial.stop) for axis, n in enumerate(one.shape)], one.dtype
            )
            for one in call.inputs
        ]
        try:
            found = call.layer.compute_output_spec(larger if len(larger) > 1 else larger[0]).shape
        except (TypeError, ValueError, NotImplementedError):
            return None  # the layer takes no other size
        sizes.append(tuple(found[spatial]))
    steps = [tuple(int(b - a) for a, b in zip(*pair, strict=True)) for pair in itertools.pairwise(sizes)]
    return steps[0] if steps[0] == steps[1] else None  # padding to a multiple grows in jumps
