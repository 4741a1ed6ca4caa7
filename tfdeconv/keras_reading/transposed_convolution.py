"""Which layers are transposed convolutions, and of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from keras import layers

from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.keras_reading.own_call import computes_like, overridden_base

CONV_TRANSPOSES = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)


@dataclass(frozen=True)
class TransposedConvolution:
    """What a layer computes: ``activation(conv_transpose(inputs, kernel) + bias)``.

    Attributes:
        geometry: Kernel size, strides, padding and dilation.
        kernel: ``[*kernel_size, filters // groups, channels]``: the layer's variable, or an array; None
            before the layer is built.
        bias: ``[filters]``, or None.
        groups: Groups of channels.
        data_format: "channels_last" or "channels_first".
        activation: Applied to the output.
    """

    geometry: ConvTransposeGeometry
    kernel: Any
    bias: Any
    groups: int
    data_format: str
    activation: Callable[[Any], Any]

    @property
    def filters(self) -> int:
        """Output channels."""
        return int(self.kernel.shape[-2]) * self.groups


def transposed_convolution(layer: Any) -> TransposedConvolution | None:
    """Return what ``layer`` computes; None where it is no transposed convolution.

    Keras's layers are known, and classes derived from them that have no ``call`` of their own. Any other
    layer is asked: its method ``transposed_convolution()`` returns the same.

    Example:
        >>> found = transposed_convolution(layers.Conv2DTranspose(3, 4, strides=2, padding="same"))
        >>> found.geometry.crops
        ((1, 1), (1, 1))
        >>> transposed_convolution(layers.Conv2D(3, 4)) is None
        True
    """
    if hasattr(layer, "transposed_convolution"):
        if overridden_base(layer, "transposed_convolution") is not None:
            return None
        told: TransposedConvolution | None = layer.transposed_convolution()
        return told
    geometry = _keras_geometry(layer)
    if geometry is None or not any(computes_like(layer, known) for known in CONV_TRANSPOSES):
        return None
    return TransposedConvolution(
        geometry,
        getattr(layer, "kernel", None),
        getattr(layer, "bias", None),
        1,
        layer.data_format,
        layer.activation,
    )


def conv_transpose_geometry(layer: Any) -> ConvTransposeGeometry | None:
    """Return where a transposed convolution puts its samples, whatever numbers it computes there.

    That holds for a class derived from Keras's with a ``call`` of its own, and for a layer that stores its
    kernel in another form. None where ``layer`` is no transposed convolution.

    Example:
        >>> conv_transpose_geometry(layers.Conv1DTranspose(3, 4, strides=2)).full_sizes([3])
        (8,)
    """
    own = getattr(layer, "geometry", None)
    return own if isinstance(own, ConvTransposeGeometry) else _keras_geometry(layer)


@singledispatch
def _keras_geometry(layer: Any) -> ConvTransposeGeometry | None:
    return None


@_keras_geometry.register(layers.Conv1DTranspose)
@_keras_geometry.register(layers.Conv2DTranspose)
@_keras_geometry.register(layers.Conv3DTranspose)
def _(layer: Any) -> ConvTransposeGeometry:
    return ConvTransposeGeometry.of(
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        output_padding=layer.output_padding,
        dilation_rate=layer.dilation_rate,
        rank=layer.rank,
    )
