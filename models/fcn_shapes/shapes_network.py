"""The small fully convolutional network of the worked example ``models/fcn_shapes``."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from shapes_scenes import CLASSES

from tfdeconv.zoo.segmentation.fcn import FCN
from tfdeconv.zoo.segmentation.fcn_upsampling import Upsampling

WIDTHS = (16, 24, 32, 48, 64)


def shapes_backbone(widths: Sequence[int] = WIDTHS) -> keras.Model:
    """Return a small convolutional backbone that halves the resolution once for each of ``widths``.

    Args:
        widths: Channels of the blocks of two convolutions (the first has one), each pooled by 2.

    Returns:
        A model from pictures ``[batch, height, width, 3]`` in [0, 1] to features of stride
        ``2 ** len(widths)``; the layers ``pool1``, ``pool2``, ... hold the finer ones.

    Example:
        >>> shapes_backbone().count_params()
        125680
    """
    image = x = keras.Input([None, None, 3])
    for block, width in enumerate(widths, start=1):
        for index in range(1 if block == 1 else 2):
            name = f"conv{block}_{index + 1}"
            x = keras.layers.Conv2D(
                width, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
            )(x)
            x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
    return keras.Model(image, x, name="shapes")


def shapes_fcn(stride: int, upsampling: Upsampling = "bilinear") -> keras.Model:
    """Return the untrained FCN of the example, with the paper's skips from pool4 and pool3.

    Args:
        stride: 32, 16 or 8.
        upsampling: As in :func:`tfdeconv.zoo.FCN`.

    Returns:
        A model from pictures ``[batch, height, width, 3]`` in [0, 1] to class scores
        ``[batch, height, width, 6]`` for ``shapes_scenes.CLASSES``.

    Example:
        >>> shapes_fcn(8).output_shape
        (None, None, None, 6)
    """
    return FCN(
        shapes_backbone(),
        len(CLASSES),
        stride,
        upsampling,
        skip_layers=("pool4", "pool3"),
        name=f"fcn_shapes_{stride}s",
    )
