"""The upscaler under BentoML: ``SAVED_MODEL=VERSION_FOLDER bentoml serve bentoml_app:Upscaler``."""

from __future__ import annotations

import base64
import os

import bentoml
import tensorflow as tf


@bentoml.service(traffic={"timeout": 120})
class Upscaler:
    """Base64 of a picture in, base64 of a picture out."""

    def __init__(self) -> None:
        self.model = tf.saved_model.load(os.environ["SAVED_MODEL"])
        self.run = self.model.signatures["serve_image_bytes"]

    @bentoml.api
    def predict(self, b64: str) -> dict[str, str]:
        """Upscale one picture."""
        output = self.run(image_bytes=tf.constant([base64.b64decode(b64)]))["upscaled_bytes"]
        return {"b64": base64.b64encode(output.numpy()[0]).decode()}
