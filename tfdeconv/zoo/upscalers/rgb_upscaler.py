"""Upscale colour photographs with a luma network; chroma is interpolated."""

from __future__ import annotations

from typing import Any

import keras

from tfdeconv.alignment.graph import ancestors, is_channels_first
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bt601 import GREY_PER_LUMA
from tfdeconv.layers import BilinearUpsampling2D
from tfdeconv.zoo.upscalers.luma_layer import Luma


def RGBUpscaler(luma_model: keras.Model, scale: int, *, name: str | None = None) -> keras.Model:  # noqa: N802
    """Wrap a luma upscaler for RGB: luma goes through the network, chroma is bilinear.

    YCbCr is linear in RGB and luma weighs the same in red, green and blue, so this needs no round
    trip through YCbCr: the difference between the network's luma and the interpolated luma is added
    to the bilinear RGB.

    Args:
        luma_model: Maps luma ``[batch, height, width, 1]`` to ``scale`` times the size; limited-range
            BT.601 in [0, 1], as :func:`tfdeconv.zoo.FSRCNN` takes it. Its layout is that of the result.
        scale: Upsampling factor of ``luma_model``.
        name: Name of the model; None: ``rgb_`` and the luma model's name.

    Returns:
        A model from ``image`` ``[batch, height, width, 3]`` in [0, 1] to ``upscaled``
        ``[batch, height * scale, width * scale, 3]`` clipped to [0, 1]; any height and width.

    Raises:
        InvalidArgumentError: ``luma_model`` does not map one channel to one channel.

    Example:
        >>> from tfdeconv.zoo import FSRCNN
        >>> model = RGBUpscaler(FSRCNN(2), scale=2)
        >>> import numpy as np
        >>> model(np.full([1, 3, 5, 3], 0.25, "float32")).shape
        TensorShape([1, 6, 10, 3])

    References:
        ITU-R BT.601; Dong et al. 2016, arXiv 1608.00367, treat luma and chroma this way.
    """
    channels_first = is_channels_first(ancestors(luma_model.output))
    data_format = "channels_first" if channels_first else "channels_last"
    axis = 1 if channels_first else -1
    if len(luma_model.inputs) != 1 or luma_model.input_shape[axis] != 1 or luma_model.output_shape[axis] != 1:
        raise InvalidArgumentError(
            "luma_model must map one channel to one channel; received a model from "
            f"{luma_model.input_shape} to {luma_model.output_shape}."
        )
    image = keras.Input((3, None, None) if channels_first else (None, None, 3), name="image")
    bilinear: dict[str, Any] = {"boundary": "edge", "data_format": data_format}
    interpolated = BilinearUpsampling2D(scale, **bilinear, name="bilinear_rgb")(image)
    luma = Luma(data_format, name="luma_of_input")(image)
    interpolated_luma = BilinearUpsampling2D(scale, **bilinear, name="bilinear_luma")(luma)
    correction = keras.layers.Subtract(name="luma_correction")([luma_model(luma), interpolated_luma])
    correction = keras.layers.Rescaling(GREY_PER_LUMA, name="to_grey")(correction)
    summed = keras.layers.Add(name="sum")([interpolated, correction])
    upscaled = keras.layers.ReLU(max_value=1.0, name="upscaled")(summed)  # clips to [0, 1]
    return keras.Model(image, upscaled, name=name or f"rgb_{luma_model.name}")
