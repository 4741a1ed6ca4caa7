"""Every model of the zoo in the layout that Keras is set to: the registry beside that of the layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

import tfdeconv as td
from tfdeconv.layers.convolution import convolution_class
from tfdeconv.zoo.upscalers import fine, slim


@dataclass(frozen=True)
class ModelCase:
    """One model in one configuration.

    Attributes:
        name: Shown by a failure; it begins with the name in ``td.zoo``.
        make: Returns a new model in the layout that Keras is set to.
        widths: Widths of the pictures to try, where Keras's own channels-first convolutions would add
            their bias along the width: those of an inner tensor that are the number of its filters.
            None: the model takes ``[batch, 6]``.
    """

    name: str
    make: Callable[[], Any]
    widths: tuple[int, ...] | None


def _backbone() -> keras.Model:
    """Three levels of a few channels; Keras's own convolutions need oneDNN for channels first on the CPU."""
    data_format = keras.config.image_data_format()
    first, convolution = data_format == "channels_first", convolution_class(2, data_format)
    x = image = keras.Input([3, None, None] if first else [None, None, 3])
    for width in (2, 4):
        x = convolution(width, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D(2)(x)
    return keras.Model(image, convolution(5, 3, padding="same")(x))


def _upscalers(name: str, channels: int) -> list[ModelCase]:
    """The chains of every scale, which has its own kernel and activations."""
    return [
        ModelCase(f"{name} x{scale}", lambda scale=scale: getattr(td.zoo, name)(scale), (channels,))
        for scale in (2, 3, 4)
    ]


MODELS = [
    ModelCase("DCGANGenerator", lambda: td.zoo.DCGANGenerator(16, width=4, latent_dim=6), None),
    *(
        ModelCase(f"FSRCNN x{scale}", lambda scale=scale: td.zoo.FSRCNN(scale, d=6, s=3, m=1), (6, 3))
        for scale in (2, 3, 4)
    ),
    *_upscalers("Fine", fine.CHANNELS),
    *_upscalers("Slim", slim.CHANNELS),
    ModelCase("load_upscaler", lambda: td.zoo.load_upscaler(2), (slim.CHANNELS,)),
    ModelCase("RGBUpscaler", lambda: td.zoo.RGBUpscaler(td.zoo.FSRCNN(2, d=6, s=3, m=1), 2), (6,)),
    *(
        ModelCase(f"FCN {kind}", lambda kind=kind: td.zoo.FCN(_backbone(), 2, 2, kind), (22, 8))
        for kind in ("bilinear", "learned", "additive", "subpixel")
    ),
    ModelCase("FCN with a head", lambda: td.zoo.FCN(_backbone(), 2, 2, "bilinear", head_filters=6), (22, 24)),
    *(
        ModelCase(
            f"UNetDecoder {kind}",
            lambda kind=kind: td.zoo.UNetDecoder(_backbone(), 8, filters=(4, 3), upsampling=kind),
            (22, 8),
        )
        for kind in ("transposed", "subpixel", "resize")
    ),
]
