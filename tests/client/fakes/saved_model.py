"""The SavedModel with the signatures of fake_model.py, and two that take tf.Example records."""

from pathlib import Path

import tensorflow as tf


def write(folder: Path) -> None:
    """Write the model into a version folder."""

    def signature(*specs: tf.TensorSpec):
        return tf.function(input_signature=specs)

    @signature(tf.TensorSpec([None, None, None, 3], tf.float32, "image"))
    def upscale(image):
        return {"upscaled": tf.repeat(tf.repeat(image, 2, 1), 2, 2)}

    def upscale_one(encoded):
        pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        return tf.io.encode_png(tf.repeat(tf.repeat(pixels, 2, 0), 2, 1))

    @signature(tf.TensorSpec([None], tf.string, "image_bytes"))
    def upscale_bytes(image_bytes):
        return {"upscaled_bytes": tf.map_fn(upscale_one, image_bytes)}

    @signature(tf.TensorSpec([None], tf.int64, "count"), tf.TensorSpec([None], tf.float32, "scale"))
    def mixed(count, scale):
        return {"product": tf.cast(count, tf.float32) * scale, "total": tf.reduce_sum(count)}

    @signature(tf.TensorSpec([None, None], tf.string, "text"))
    def text(text):
        return {"copy": tf.identity(text), "copy_bytes": tf.identity(text)}

    @signature(tf.TensorSpec([None], tf.float16, "x"))
    def half(x):
        return {"y": tf.identity(x)}

    features = {"age": tf.io.FixedLenFeature([], tf.int64), "weight": tf.io.FixedLenFeature([], tf.float32)}

    @signature(tf.TensorSpec([None], tf.string, "inputs"))
    def classify(inputs):
        parsed = tf.io.parse_example(inputs, {**features, "name": tf.io.FixedLenFeature([], tf.string, "?")})
        scores = tf.stack([tf.cast(parsed["age"], tf.float32), parsed["weight"]], 1)
        return {
            "classes": tf.stack([parsed["name"], tf.fill(tf.shape(parsed["name"]), "other")], 1),
            "scores": scores,
        }

    @signature(tf.TensorSpec([None], tf.string, "inputs"))
    def regress(inputs):
        parsed = tf.io.parse_example(inputs, features)
        return {"outputs": tf.cast(parsed["age"], tf.float32) * parsed["weight"]}

    module = tf.Module()
    signatures = {
        "serving_default": upscale,
        "serve_image_bytes": upscale_bytes,
        "mixed": mixed,
        "text": text,
        "half": half,
        "classify": classify,
        "regress": regress,
    }
    for name, function in signatures.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(folder), signatures)
