"""The upscaler under LitServe: ``python litserve_app.py VERSION_FOLDER PORT``."""

from __future__ import annotations

import base64
import sys
from typing import Any

import litserve
import tensorflow as tf


class Upscaler(litserve.LitAPI):
    """Base64 of a picture in, base64 of a picture out."""

    def setup(self, device: str) -> None:
        """Load the SavedModel in the worker."""
        self.model = tf.saved_model.load(sys.argv[1])
        self.run = self.model.signatures["serve_image_bytes"]

    def decode_request(self, request: dict[str, str]) -> bytes:
        """Return the picture's bytes."""
        return base64.b64decode(request["b64"])

    def predict(self, data: bytes) -> Any:
        """Upscale one picture."""
        return self.run(image_bytes=tf.constant([data]))["upscaled_bytes"].numpy()[0]

    def encode_response(self, output: bytes) -> dict[str, str]:
        """Return the answer."""
        return {"b64": base64.b64encode(output).decode()}


if __name__ == "__main__":
    server = litserve.LitServer(Upscaler(), accelerator="cpu", timeout=120)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
