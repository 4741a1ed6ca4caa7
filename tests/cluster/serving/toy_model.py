"""A model whose answers tell which version gave them."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf


def save(folder: Path, factor: float) -> None:
    """Write a SavedModel that multiplies by ``factor``."""
    module = tf.Module()
    module.scale = tf.function(
        lambda x: {"y": factor * x}, [tf.TensorSpec([None, None], tf.float32, name="x")], autograph=False
    )
    tf.saved_model.save(module, str(folder), module.scale)
