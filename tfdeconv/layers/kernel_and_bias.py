"""What the layers with a kernel share: its weights, what trains them, and the bias and activation behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.ops.tensors.data_format import standardize_data_format


class KernelAndBias(keras.layers.Layer):
    """The weights ``kernel`` and ``bias``, with the arguments that Keras's convolutions have for them.

    A class sets ``input_spec`` with the number of axes, and in ``build`` adds the weights.
    """

    input_spec: keras.layers.InputSpec

    def __init__(
        self,
        *,
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.data_format = standardize_data_format(data_format)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    @property
    def _channel_axis(self) -> int:
        """The axis of inputs and outputs that holds the channels."""
        return 1 if self.data_format == "channels_first" else self.input_spec.ndim - 1

    def _known_channels(self, input_shape: Sequence[int | None]) -> int:
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise InvalidArgumentError(
                f"{type(self).__name__} needs a known number of channels (axis {self._channel_axis}); "
                f"received input shape {tuple(input_shape)}. Give it in keras.Input(shape=...)."
            )
        return channels

    def _add_kernel_and_bias(self, kernel_shape: tuple[int, ...], biases: int, *, channels: int) -> None:
        """Create the weights, for inputs of so many ``channels`` alone."""
        self.input_spec = keras.layers.InputSpec(
            ndim=self.input_spec.ndim, axes={self._channel_axis: channels}
        )
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(biases,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _biased(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return ``outputs`` with the bias, where there is one, of each channel."""
        if self.bias is None:
            return outputs
        if self.data_format == "channels_first":
            return outputs + tf.reshape(self.bias, [-1] + [1] * (self.input_spec.ndim - 2))
        return tf.nn.bias_add(outputs, self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }
