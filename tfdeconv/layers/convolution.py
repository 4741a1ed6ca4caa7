"""Keras's convolutions, with channels first right on every machine.

``keras.ops.add`` (3.15, TensorFlow) takes a bias to lie along the last axis wherever that is as long as
there are filters, so that Keras's own channels-first convolutions add it along the width of such images;
and TensorFlow convolves channels first on the CPU in few types, and with oneDNN only. These classes
convolve in channels last. Models of the zoo and converted ones use them; arguments and weights are Keras's.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfdeconv.keras_reading import computes_its_base
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.ops.tensors.data_format import to_channels_first, to_channels_last


class _Convolution(keras.layers.Layer):
    """The call that the three ranks share."""

    @computes_its_base
    def call(self, inputs: Any) -> tf.Tensor:
        """Convolve ``inputs`` ``[batch, channels, *sizes]`` (or channels last), in any float type."""
        if self.data_format == "channels_last":
            return super().call(inputs)
        x, padding = to_channels_last(inputs), self.padding
        if padding == "causal":  # sequences alone have it
            lead = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            x, padding = tf.pad(x, [[0, 0], [lead, 0], [0, 0]]), "valid"
        outputs = keras.ops.conv(
            x, self.kernel, list(self.strides), padding, "channels_last", self.dilation_rate
        )
        if self.bias is not None:
            outputs = tf.nn.bias_add(outputs, self.bias)
        outputs = to_channels_first(outputs)
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv1D(_Convolution, keras.layers.Conv1D):
    """Convolution of sequences.

    Example:
        >>> Conv1D(4, 3, data_format="channels_first")(tf.zeros([1, 2, 8])).shape
        TensorShape([1, 4, 6])
    """


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv2D(_Convolution, keras.layers.Conv2D):
    """Convolution of images.

    Example:
        >>> Conv2D(4, 3, data_format="channels_first")(tf.zeros([1, 2, 8, 7])).shape
        TensorShape([1, 4, 6, 5])
    """


@keras.saving.register_keras_serializable(package=PACKAGE)
class Conv3D(_Convolution, keras.layers.Conv3D):
    """Convolution of volumes.

    Example:
        >>> Conv3D(4, 3, data_format="channels_first")(tf.zeros([1, 2, 8, 7, 6])).shape
        TensorShape([1, 4, 6, 5, 4])
    """


KERAS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
OWN = {1: Conv1D, 2: Conv2D, 3: Conv3D}


def convolution_class(rank: int, data_format: str) -> type[keras.layers.Layer]:
    """Return Keras's class where channels are last, this module's where they are first.

    Example:
        >>> convolution_class(2, "channels_last").__module__.partition(".")[0]
        'keras'
    """
    return (OWN if data_format == "channels_first" else KERAS)[rank]
