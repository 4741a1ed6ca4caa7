"""The graph of the ``serve_image_bytes`` signature: encoded pictures in, PNG pictures out."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfdeconv.export.picture_check import MAX_IMAGE_PIXELS, checked_picture


def image_bytes_function(
    upscale: Callable[[tf.Tensor], tf.Tensor], *, max_image_pixels: int = MAX_IMAGE_PIXELS
) -> tf.types.experimental.PolymorphicFunction:
    """Return a function from encoded images to encoded results of ``upscale``.

    The names of input and output end in ``_bytes``, which is how TensorFlow Serving's REST API
    recognises strings to be written as base64. Pictures of one request may differ in size. Alpha
    is dropped; orientation tags are not applied.

    Args:
        upscale: Maps RGB ``[1, height, width, 3]``, float32 in [0, 1], to the same kind of tensor.
        max_image_pixels: Most pixels of a picture; larger ones, and animations, are refused by their headers.

    Returns:
        ``image_bytes`` strings ``[n]`` (PNG, JPEG, GIF, BMP or WebP) -> ``{"upscaled_bytes": strings
        [n]}``, PNG.

    Example:
        >>> png = tf.io.encode_png(tf.fill([2, 3, 3], tf.constant(7, tf.uint8)))
        >>> same = image_bytes_function(lambda image: image)
        >>> tf.io.decode_png(same(tf.stack([png]))["upscaled_bytes"][0])[0, 0].numpy()
        array([7, 7, 7], dtype=uint8)
    """

    def upscale_one(encoded: tf.Tensor) -> tf.Tensor:
        image = tf.cast(decode_rgb(encoded, max_image_pixels=max_image_pixels), tf.float32) / 255.0
        return encode_rgb(upscale(image[tf.newaxis])[0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve_image_bytes(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"upscaled_bytes": tf.map_fn(upscale_one, image_bytes, fn_output_signature=tf.string)}

    return serve_image_bytes


def decode_rgb(encoded: tf.Tensor, *, max_image_pixels: int = MAX_IMAGE_PIXELS) -> tf.Tensor:
    """Decode one picture to uint8 ``[height, width, 3]``.

    JPEG is decoded with the accurate inverse transform, as Pillow does; TensorFlow's default is a
    faster one that is off by a few levels.

    Example:
        >>> decode_rgb(tf.io.encode_jpeg(tf.zeros([4, 5, 3], tf.uint8))).shape
        TensorShape([4, 5, 3])
    """
    encoded = checked_picture(encoded, max_image_pixels)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, [None, None, 3])


def encode_rgb(image: tf.Tensor) -> tf.Tensor:
    """Encode RGB ``[height, width, 3]`` in [0, 1] as an 8-bit PNG, rounding to the nearest level.

    Example:
        >>> tf.io.decode_png(encode_rgb(tf.ones([1, 1, 3]) * 0.5)).numpy().ravel()
        array([128, 128, 128], dtype=uint8)
    """
    image = tf.cast(image, tf.float32)  # half precision has too few digits for all 256 levels
    levels = tf.floor(tf.clip_by_value(image, 0.0, 1.0) * 255.0 + 0.5)
    return tf.io.encode_png(tf.cast(levels, tf.uint8))
