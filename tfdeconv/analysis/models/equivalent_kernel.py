"""The transposed convolution that a linear upsampling layer is, read from its weights or by impulses."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfdeconv.analysis.models.impulse import ImpulseResponse, impulse_response
from tfdeconv.analysis.models.upsampling_layers import UpsamplingLayer, run_channels_last
from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.keras_reading import is_convolution, is_pixel_shuffle, transposed_convolution


@dataclass(frozen=True)
class EquivalentKernel:
    """A kernel with the same effect as a layer away from the borders.

    Attributes:
        kernel: float64 ``[*kernel_size, filters // groups, channels]``.
        geometry: The window that the layer returns away from the borders; None where it would start
            before the full output.
        groups: Groups of channels.
        own: Whether this is the layer's own kernel (a transposed convolution), not its responses to
            impulses.
    """

    kernel: np.ndarray
    geometry: ConvTransposeGeometry | None
    groups: int
    own: bool

    @property
    def dilation_rate(self) -> tuple[int, ...]:
        """Spacing of the taps; that of responses to impulses is 1."""
        return (1,) * (self.kernel.ndim - 2) if self.geometry is None else self.geometry.dilation_rate


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
    read = transposed_convolution(found.layer)
    if read is not None and read.kernel is not None:
        kernel = np.asarray(read.kernel, np.float64)
        return EquivalentKernel(kernel, read.geometry, read.groups, own=True)
    if not shuffles_channels(found):
        return _probed(found, [found.layer], found.channels)
    source: Any = found.source
    if source is None or not is_convolution(source):
        return None
    return _probed(found, [source, found.layer], source.kernel.shape[-2] * source.groups)


def shuffles_channels(found: UpsamplingLayer) -> bool:
    """Return whether a layer only moves channels into space, by what it says or by what it does.

    Example:
        >>> import tensorflow as tf
        >>> from tfdeconv.analysis.models.upsampling_layers import find_upsampling_layers
        >>> shuffle = keras.layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2))
        >>> [shuffles_channels(found) for found in find_upsampling_layers(shuffle, (4, 4, 8))]
        [True]
    """
    if is_pixel_shuffle(found.layer):
        return True
    outputs = found.output_shape[1 if found.channels_first else -1]
    if found.layer.weights or found.inputs != 1 or outputs * math.prod(found.factor) != found.channels:
        return False
    response = _response(found, [found.layer], found.channels)
    return response is not None and response.is_shuffle


def _probed(
    found: UpsamplingLayer, stages: list[keras.layers.Layer], channels: int
) -> EquivalentKernel | None:
    response = _response(found, stages, channels) if found.inputs == 1 else None
    if response is None:
        return None
    geometry = ConvTransposeGeometry.of(response.kernel.shape[:-2], strides=found.factor)
    starts = zip(response.position, found.factor, response.first, strict=True)
    leads = [position * stride - first for position, stride, first in starts]
    if min(leads) < 0:
        return EquivalentKernel(response.kernel, None, 1, own=False)
    sizes = zip(geometry.full_sizes(found.input_size), leads, found.output_size, strict=True)
    geometry = geometry.with_crops((lead, full - lead - size) for full, lead, size in sizes)
    return EquivalentKernel(response.kernel, geometry, 1, own=False)


def _response(
    found: UpsamplingLayer, stages: list[keras.layers.Layer], channels: int
) -> ImpulseResponse | None:
    linear = [without_activation(stage) for stage in stages]
    reach = max(3, *(int(np.max(getattr(stage, "kernel_size", 1))) for stage in stages))
    return impulse_response(
        lambda x: functools.reduce(lambda y, stage: run_channels_last(stage, y), linear, x),
        (2 * reach + 1,) * len(found.factor),
        channels,
    )


def without_activation(layer: keras.layers.Layer) -> Any:
    """Return ``layer``, or a copy with the same weights and a linear activation where it has another."""
    if getattr(layer, "activation", None) in (None, keras.activations.linear):
        return layer
    copy = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    copy.build_from_config(layer.get_build_config())
    copy.set_weights(layer.get_weights())
    return copy
