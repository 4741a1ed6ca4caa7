"""Which layers of a graph compute in bfloat16 where that is asked for, and which stay in float32.

Processors with AVX512-BF16 or AMX multiply twice to sixteen times as many numbers of 16 bits as of 32, and
add the products up in float32; only what a layer writes is rounded, to 8 significant bits. So

- convolutions and transposed convolutions compute in bfloat16, with their kernels stored so;
- what only chooses, moves or clips their outputs (ReLU, pooling, padding, concatenation) stays in it;
- everything else stays in float32: sums, normalization, softmax, matrix products (TensorFlow ends the process
  at one of bfloat16 where oneDNN has no kernel for it);
- and so do convolutions of a picture's few channels, which have little to multiply, and whatever writes an
  output of the model, or does but for an activation: rounding a picture or an output would show.

Keras casts at each border by the layers' policies, so the casts are in the graph, and in an exported one.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import keras
from keras import layers

from tfdeconv.inference.fusible_convolution import is_known
from tfdeconv.inference.layer_calls import called_with_input_alone, calls_of, readers_of
from tfdeconv.inference.max_prelu import MaxPReLU
from tfdeconv.keras_reading import computes_like, is_convolution, is_pixel_shuffle
from tfdeconv.layers import ResizeConv2D

Precision: TypeAlias = Literal["float32", "bfloat16"]

CONVOLUTIONS = (
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
"""Besides those of :func:`~tfdeconv.keras_reading.is_convolution` and the transposed ones."""

PICTURE_CHANNELS = 3
"""Convolutions of so many channels, or fewer, stay in float32. For the shipped upscalers that halves what
bfloat16 costs in PSNR and takes no measurable time."""

CLIPPING = tuple(map(keras.activations.get, ("linear", "relu", "relu6", "leaky_relu")))
"""Activations that are computed in the type of what they read."""

FOLLOWING = (
    *(layers.ReLU, layers.LeakyReLU, layers.PReLU, MaxPReLU),
    *(layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D, layers.Concatenate),
)
"""Layers that choose, move or clip what they read."""

ACTIVATIONS = (layers.Activation, layers.Softmax, layers.ELU)
"""Layers between a convolution and an output that change nothing about where its rounding shows."""


def config_in(layer: keras.Layer, dtype: Any) -> dict[str, Any]:
    """Return the configuration of ``layer`` with the policy ``dtype``."""
    config: dict[str, Any] = layer.get_config()
    if dtype != layer.dtype_policy:
        config["dtype"] = dtype
    return config


def bfloat16_layers(model: keras.Model, normalizations: dict[int, keras.layers.Layer]) -> set[int]:
    """Return the ids of the layers of ``model`` that compute in bfloat16.

    Args:
        model: A functional model; models inside are asked for themselves.
        normalizations: Batch normalization that becomes part of a convolution, by the id of that.

    Example:
        >>> image = keras.Input((8, 8, 4))
        >>> hidden = layers.ReLU(name="relu")(layers.Conv2D(4, 3, name="hidden")(image))
        >>> model = keras.Model(image, layers.Conv2D(1, 3, name="last")(hidden))
        >>> reduced = bfloat16_layers(model, {})
        >>> [layer.name for layer in model.layers if id(layer) in reduced]
        ['hidden', 'relu']
    """
    calls = calls_of(model)
    absorbed = {id(normalization) for normalization in normalizations.values()}
    shown = _shown(model, calls, absorbed)
    reduced: set[int] = set()
    for layer in model.operations:  # in the order in which they run
        if id(layer) in shown or not isinstance(layer, keras.Layer):
            continue
        if _is_reducible_convolution(layer) and _channels(layer, calls[id(layer)]) > PICTURE_CHANNELS:
            reduced.add(id(layer))
        elif id(layer) in absorbed or _follows(layer):
            read = [
                tensor._keras_history.operation for call in calls[id(layer)] for tensor in call.input_tensors
            ]
            if all(id(operation) in reduced for operation in read):
                reduced.add(id(layer))
    return reduced


def _shown(model: keras.Model, calls: dict[int, list[Any]], absorbed: set[int]) -> set[int]:
    """The ids of operations whose rounding would show in an output, or that are read without a cast."""
    readers, returned = readers_of(model), {id(tensor) for tensor in model.outputs}
    shown: set[int] = set()
    for operation in reversed(model.operations):
        for tensor in (tensor for call in calls[id(operation)] for tensor in call.outputs):
            if id(tensor) in returned or any(
                not _casts(reader)
                or (
                    id(reader) in shown
                    and (id(reader) in absorbed or _follows(reader) or isinstance(reader, ACTIVATIONS))
                )
                for reader in readers.get(id(tensor), ())
            ):
                shown.add(id(operation))
    return shown


def _casts(reader: Any) -> bool:
    """Whether an operation makes of what it reads the type in which it computes."""
    return isinstance(reader, keras.Layer) and bool(reader.autocast)


def _follows(layer: Any) -> bool:
    if not isinstance(layer, keras.Layer) or layer.dtype_policy.name != "float32":
        return False
    if computes_like(layer, layers.Activation):
        return layer.activation in CLIPPING
    return is_pixel_shuffle(layer) or any(computes_like(layer, known) for known in FOLLOWING)


def _channels(layer: keras.Layer, calls: list[Any]) -> int:
    axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
    channels: int = calls[0].input_tensors[0].shape[axis]
    return channels


def _is_reducible_convolution(layer: keras.Layer) -> bool:
    if layer.dtype_policy.name != "float32" or not called_with_input_alone(layer):
        return False
    if type(layer) is ResizeConv2D and layer.interpolation != "nearest":
        return False  # TensorFlow interpolates in float32
    return getattr(layer, "activation", None) in (None, *CLIPPING) and (
        is_known(layer) or is_convolution(layer) or any(computes_like(layer, one) for one in CONVOLUTIONS)
    )
