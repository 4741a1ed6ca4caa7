"""What a layer computes is told by its class or by itself, never by its name."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

import tfdeconv as td
from tfdeconv import keras_reading
from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.inference import PreparedConvTranspose
from tfdeconv.inference.fusible_convolution import fusible_convolution
from tfdeconv.keras_reading import (
    conv_transpose_geometry,
    is_convolution,
    is_pixel_shuffle,
    transposed_convolution,
)

CLASSES = [
    kind
    for module in (keras.layers, td.layers)
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if name.endswith("Transpose")
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_transposed_convolution_is_read(kind):
    """Of Keras and of this package, built or not: its numbers, its variables and its activation."""
    options = {} if "Depthwise" in kind.__name__ else {"filters": 3}
    layer = kind(**options, kernel_size=4, strides=2, padding="same", activation="relu")
    assert transposed_convolution(layer).kernel is None, "not built"
    rank = int(kind.__name__.partition("D")[0][-1]) if "Depthwise" not in kind.__name__ else 2
    layer.build((None, *(5,) * rank, 2))
    found = transposed_convolution(layer)
    assert found.geometry == ConvTransposeGeometry.of(4, strides=2, padding="same", rank=rank)
    assert found.geometry == conv_transpose_geometry(layer)
    assert found.kernel is layer.kernel
    assert found.bias is layer.bias
    assert found.groups == (2 if "Depthwise" in kind.__name__ else 1)
    assert found.filters == layer.filters
    assert found.data_format == layer.data_format
    assert found.activation is keras.activations.relu


@pytest.mark.parametrize("base", [keras.layers.Conv2DTranspose, td.layers.Conv2DTranspose])
def test_a_derived_class_is_read_unless_it_computes_otherwise(base):
    """With a ``call`` of its own only the places of its samples are known, not their values."""

    class Named(base):
        """The same under another name."""

    class Halved(base):
        def call(self, inputs):
            return super().call(inputs) / 2

    assert transposed_convolution(Named(1, 3)) is not None
    assert transposed_convolution(Halved(1, 3)) is None
    assert conv_transpose_geometry(Halved(1, 3, padding="same")).crops == ((1, 1), (1, 1))


def test_what_a_class_tells_holds_until_its_call_is_replaced():
    """A pixel shuffle with another ``call`` is none; a base without one still speaks."""

    class Telling(keras.layers.Layer):
        is_pixel_shuffle = True

    class Shuffling(Telling):
        def call(self, inputs):
            return td.ops.pixel_shuffle(inputs, 2)

    class Doubling(td.layers.PixelShuffle2D):
        def call(self, inputs):
            return 2 * super().call(inputs)

    class Doubled(Doubling):
        is_pixel_shuffle = True

    assert is_pixel_shuffle(Shuffling())
    assert not is_pixel_shuffle(Doubling(2))
    assert is_pixel_shuffle(Doubled(2))


def test_a_name_says_nothing():
    """Neither "Transpose" nor "PixelShuffle" nor "Conv2D" in the name of a class makes it one."""

    class Conv2DTransposePixelShuffle(keras.layers.Layer):
        kernel_size, padding, strides = 3, "same", 2

    layer = Conv2DTransposePixelShuffle()
    assert transposed_convolution(layer) is None
    assert conv_transpose_geometry(layer) is None
    assert not is_pixel_shuffle(layer)
    assert not is_convolution(layer)


def test_a_users_layer_can_tell():
    """The method and the attributes of this package's layers may be any layer's."""

    class Mine(keras.layers.Layer):
        is_pixel_shuffle = True

        def transposed_convolution(self):
            return keras_reading.TransposedConvolution(
                ConvTransposeGeometry.of(2, strides=2),
                np.ones([2, 1, 1]),
                None,
                1,
                "channels_last",
                keras.activations.linear,
            )

    assert transposed_convolution(Mine()).geometry.strides == (2,)
    assert is_pixel_shuffle(Mine())


def test_a_stored_kernel_tells_its_geometry_alone():
    """The layer of an optimized model keeps its kernel in the form of one lowering."""
    layer = keras.layers.Conv2DTranspose(1, 5, strides=2, padding="same")
    layer.build((None, 4, 4, 2))
    stored = PreparedConvTranspose.of(fusible_convolution(layer), "subpixel")
    assert transposed_convolution(stored) is None
    assert stored.geometry.crops == conv_transpose_geometry(layer).crops
    assert conv_transpose_geometry(stored) == stored.geometry


def test_a_convolution_with_a_kernel_or_an_operation_of_its_own_is_none():
    """Keras leaves both to be overridden: standardised weights, partial convolution."""

    class Standardised(keras.layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel - keras.ops.mean(kernel, axis=(0, 1, 2)))

    class Doubled(keras.layers.Conv2D):
        @property
        def kernel(self):
            return 2 * self._kernel

    assert not is_convolution(Standardised(1, 3))
    assert not is_convolution(Doubled(1, 3))


def test_convolutions():
    """Those whose kernel is ``[*kernel_size, channels, filters]``; depthwise and separable ones differ."""
    layers = keras.layers
    assert all(is_convolution(kind(1, 3)) for kind in (layers.Conv1D, layers.Conv2D, layers.Conv3D))
    others = (layers.DepthwiseConv2D(3), layers.SeparableConv2D(1, 3), layers.Conv2DTranspose(1, 3))
    assert not any(map(is_convolution, others))
