"""The transposed convolution that a linear upsampling layer is, read from its weights or by impulses."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfdeconv.analysis.arithmetic.configuration import Configuration, configuration
from tfdeconv.analysis.models.impulse import impulse_response
from tfdeconv.analysis.models.upsampling_layers import (
    UpsamplingLayer,
    is_transposed_convolution,
    run_channels_last,
)


@dataclass(frozen=True)
class EquivalentKernel:
    """A kernel with the same effect as a layer away from the borders.

    Attributes:
        kernel: float64 ``[*kernel_size, filters // groups, channels]``.
        dilation_rate: Spacing of its taps.
        groups: Groups of channels.
        leads: Where the layer's window of the full output starts along each axis, away from the borders.
        own: Whether these are the layer's own taps (a transposed convolution), not its responses to
            impulses.
    """

    kernel: np.ndarray
    dilation_rate: tuple[int, ...]
    groups: int
    leads: tuple[int, ...]
    own: bool


def equivalent_kernel(found: UpsamplingLayer) -> EquivalentKernel | None:
    """Return the kernel of an upsampling layer; None where the layer is not linear.

    A transposed convolution has it as its weight. Any other linear layer that repeats with its
    factor (resizing, sub-pixel convolution, resize-convolution) answers an impulse with it; a pixel
    shuffle is taken together with the convolution before it. Activations are left out.

    Example:
        >>> from tfdeconv.analysis.models.upsampling_layers import find_upsampling_layers
        >>> (found,) = find_upsampling_layers(keras.layers.UpSampling2D(2), (4, 4, 1))
        >>> probed = equivalent_kernel(found)
        >>> probed.kernel[:, :, 0, 0]
        array([[1., 1.],
               [1., 1.]])
    """
    layer, rank = found.layer, len(found.factor)
    if is_transposed_convolution(layer) and hasattr(layer, "padding"):
        taps = np.asarray(layer.kernel, np.float64)
        config = layer_configuration(found)
        leads = tuple(window.lead for window in config.windows)
        return EquivalentKernel(taps, config.dilation_rate, getattr(layer, "groups", 1), leads, own=True)
    stages = [layer]
    channels = found.channels
    if is_pixel_shuffle(layer):
        if not isinstance(found.source, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D):
            return None
        stages = [found.source, layer]
        channels = found.source.kernel.shape[-2] * found.source.groups
    if found.inputs != 1:
        return None
    linear = [without_activation(stage) for stage in stages]
    reach = max(3, *(int(np.max(getattr(stage, "kernel_size", 1))) for stage in stages))
    response = impulse_response(
        lambda x: functools.reduce(lambda y, stage: run_channels_last(stage, y), linear, x),
        (2 * reach + 1,) * rank,
        channels,
    )
    if response is None:
        return None
    starts = zip(response.position, found.factor, response.first, strict=True)
    leads = tuple(position * stride - first for position, stride, first in starts)
    return EquivalentKernel(response.taps, (1,) * rank, 1, leads, own=False)


def layer_configuration(found: UpsamplingLayer) -> Configuration:
    """Return the configuration of a transposed convolution layer of Keras or tfdeconv.

    Example:
        >>> from tfdeconv.analysis.models.upsampling_layers import find_upsampling_layers
        >>> layer = keras.layers.Conv1DTranspose(1, 3, strides=2, padding="same")
        >>> layer_configuration(*find_upsampling_layers(layer, (4, 1))).windows
        (Window(lead=0, size=8),)
    """
    layer = found.layer
    return configuration(
        found.input_size,
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        output_padding=layer.output_padding,
        dilation_rate=layer.dilation_rate,
    )


def is_pixel_shuffle(layer: Any) -> bool:
    """Return whether ``layer`` only moves channels into space: its phases are made by what is before it."""
    return "PixelShuffle" in type(layer).__name__


def without_activation(layer: keras.layers.Layer) -> Any:
    """Return ``layer``, or a copy with the same weights and a linear activation where it has another."""
    if getattr(layer, "activation", None) in (None, keras.activations.linear):
        return layer
    copy = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    copy.build_from_config(layer.get_build_config())
    copy.set_weights(layer.get_weights())
    return copy
