"""Depthwise transposed convolution as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.keras_registration import PACKAGE
from tfdeconv.layers.conv_transpose import _ConvTranspose


@keras.saving.register_keras_serializable(package=PACKAGE)
class DepthwiseConv2DTranspose(_ConvTranspose):
    """Transposed convolution of every channel by itself, with ``depth_multiplier`` outputs for each.

    Equals :class:`Conv2DTranspose` with ``groups=channels`` and ``filters=channels * depth_multiplier``;
    with a multiplier of 1 it is the adjoint of ``keras.layers.DepthwiseConv2D``. Output channel
    ``c * depth_multiplier + m`` comes from input channel ``c``.

    Args:
        kernel_size: Taps of the kernel; an int or one for each axis.
        strides: Upsampling factor; an int or one for each axis.
        padding: As in :class:`Conv2DTranspose`.
        depth_multiplier: Output channels for each input channel.
        output_padding: As in :class:`Conv2DTranspose`.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        dilation_rate: Spacing of the kernel's taps; an int or one for each axis.
        **kwargs: The remaining arguments of :class:`Conv2DTranspose`: ``activation``, ``use_bias``,
            ``kernel_initializer`` of ``kernel`` ``[*kernel_size, depth_multiplier, channels]``,
            ``bias_initializer``, regularizers, constraints, ``lowering`` and those of
            ``keras.layers.Layer``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> import numpy as np
        >>> x = np.zeros([1, 7, 5, 3], "float32")
        >>> DepthwiseConv2DTranspose(4, strides=2, padding="same", depth_multiplier=2)(x).shape
        TensorShape([1, 14, 10, 6])
    """

    rank = 2

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        **kwargs: Any,
    ) -> None:
        for name in ("filters", "groups"):
            if name in kwargs:
                raise InvalidArgumentError(
                    f"DepthwiseConv2DTranspose takes no {name}: the channels decide; received "
                    f"{kwargs[name]!r}. Use Conv2DTranspose, or depth_multiplier."
                )
        multiplier = axis_arguments.at_least(1, "depth_multiplier", depth_multiplier)
        super().__init__(
            multiplier,  # of one channel; build multiplies
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            **kwargs,
        )
        self.depth_multiplier = multiplier

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create ``kernel`` ``[*kernel_size, depth_multiplier, channels]`` and ``bias``."""
        channels = input_shape[self._channel_axis]
        if channels is not None:
            self.groups = channels
            self.filters = channels * self.depth_multiplier
        super().build(input_shape)

    def _output_shape(
        self, input_shape: Sequence[int | None], requested: Sequence[int | None] | None
    ) -> tuple[int | None, ...]:
        shape = list(super()._output_shape(input_shape, requested))
        channels = input_shape[self._channel_axis]
        shape[self._channel_axis] = None if channels is None else channels * self.depth_multiplier
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["filters"], config["groups"]
        return {**config, "depth_multiplier": self.depth_multiplier}
