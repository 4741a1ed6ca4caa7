"""The signatures of a segmentation model: tensors, and encoded pictures to label maps and overlays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfdeconv.errors import ExportError
from tfdeconv.export.image_bytes import decode_rgb, encode_rgb
from tfdeconv.export.picture_check import MAX_IMAGE_PIXELS
from tfdeconv.export.tensor_signature import serving_default


def segmentation_signatures(
    model: keras.Model,
    *,
    palette: Sequence[Sequence[int]] | None = None,
    opacity: float = 0.6,
    max_image_pixels: int = MAX_IMAGE_PIXELS,
) -> dict[str, Any]:
    """Return ``signatures`` for ``tfdeconv.export_saved_model`` of a segmentation model.

    Args:
        model: A functional model from RGB ``[batch, height, width, 3]`` in [0, 1], free in height and
            width, to class scores ``[batch, height, width, classes]``, at most 256 classes.
        palette: An RGB colour of 0 to 255 for each class; None: :func:`colour_map`.
        opacity: Share of the class's colour in the overlay. Class 0, the background, stays clear.
        max_image_pixels: Most pixels of a picture; larger ones, and animations, are refused by their headers.

    Returns:
        ``serving_default``: the model as tensors. ``serve_image_bytes``: ``image_bytes`` strings ``[n]``
        (PNG, JPEG, GIF, BMP or WebP) -> ``label_map_bytes``, grey PNGs whose levels are class indices, and
        ``overlay_bytes``, RGB PNGs to look at.

    Raises:
        ExportError: ``model`` is no such model, or ``palette`` has not one colour for each class.

    Example:
        >>> image = keras.Input([None, None, 3], name="image")
        >>> model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
        >>> sorted(segmentation_signatures(model))
        ['serve_image_bytes', 'serving_default']
    """
    shapes = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or any(len(shape) != 4 or shape[1] or shape[2] for shape in shapes):
        raise ExportError(
            f"model {model.name!r} must map one picture of free size to class scores; received shapes "
            f"{shapes}."
        )
    if not tf.as_dtype(model.inputs[0].dtype).is_floating:
        raise ExportError(
            f"model {model.name!r} must take floating-point pictures, from 0 to 1; received an input of "
            f"{model.inputs[0].dtype}. Scale inside another model, in front of this one."
        )
    classes = shapes[1][3]
    if shapes[0][3] != 3 or classes > 256:
        raise ExportError(
            f"model {model.name!r} must take 3 channels and score at most 256 classes; received {shapes}."
        )
    colours = colour_map(classes) if palette is None else np.array(palette, np.uint8)
    if colours.shape != (classes, 3):
        raise ExportError(
            f"palette must hold {classes} RGB colours, one for each class; received shape {colours.shape}."
        )

    def segment_one(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.cast(decode_rgb(encoded, max_image_pixels=max_image_pixels), tf.float32) / 255.0
        labels = tf.argmax(model(image[tf.newaxis], training=False)[0], axis=-1)
        tint = tf.gather(tf.constant(colours, tf.float32) / 255.0, labels)
        share = opacity * tf.cast(labels[..., tf.newaxis] > 0, tf.float32)
        label_map = tf.io.encode_png(tf.cast(labels, tf.uint8)[..., tf.newaxis])
        return label_map, encode_rgb(image + share * (tint - image))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve_image_bytes(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        label_maps, overlays = tf.map_fn(segment_one, image_bytes, fn_output_signature=(tf.string, tf.string))
        return {"label_map_bytes": label_maps, "overlay_bytes": overlays}

    return {"serving_default": serving_default(model), "serve_image_bytes": serve_image_bytes}


def colour_map(classes: int) -> npt.NDArray[np.uint8]:
    """Return distinct RGB colours ``[classes, 3]``, the first black: the palette of PASCAL VOC.

    The bits of the class index go to red, green and blue in turn, the highest first.

    Example:
        >>> colour_map(4).tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    index = np.arange(classes)
    colours = np.zeros((classes, 3), np.uint8)
    for bit in range(8):
        channel, level = bit % 3, 7 - bit // 3
        colours[:, channel] |= ((index >> bit & 1) << level).astype(np.uint8)
    return colours
