"""The model of the fake servers: its signatures, their values in NumPy, and failures on demand.

Nothing here or in the servers imports the package: messages and tensors go through TensorFlow's own modules.
"""

import io
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

MODEL = "upscaler"
METHOD = "tensorflow/serving/predict"

# Version, state, error code, error message.
VERSIONS = [(3, "AVAILABLE", "OK", ""), (2, "END", "INTERNAL", "out of memory")]

# Signature -> (inputs, outputs), each name -> (dtype, shape); the same as the SavedModel of conftest.py.
SIGNATURES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serving_default": (
        {"image": (tf.float32, [-1, -1, -1, 3])},
        {"upscaled": (tf.float32, [-1, -1, -1, 3])},
    ),
    "serve_image_bytes": ({"image_bytes": (tf.string, [-1])}, {"upscaled_bytes": (tf.string, [-1])}),
    "mixed": (
        {"count": (tf.int64, [-1]), "scale": (tf.float32, [-1])},
        {"product": (tf.float32, [-1]), "total": (tf.int64, [])},
    ),
    "text": (
        {"text": (tf.string, [-1, -1])},
        {"copy": (tf.string, [-1, -1]), "copy_bytes": (tf.string, [-1, -1])},
    ),
    "half": ({"x": (tf.float16, [-1])}, {"y": (tf.float16, [-1])}),
}


def _enlarge_png(encoded: bytes) -> bytes:
    picture = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    out = io.BytesIO()
    Image.fromarray(picture.repeat(2, 0).repeat(2, 1)).save(out, "PNG")
    return out.getvalue()


def compute(signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a signature in NumPy."""
    match signature:
        case "serving_default":
            return {"upscaled": inputs["image"].repeat(2, 1).repeat(2, 2)}
        case "serve_image_bytes":
            return {"upscaled_bytes": np.array([_enlarge_png(one) for one in inputs["image_bytes"]], object)}
        case "mixed":
            return {
                "product": inputs["count"].astype(np.float32) * inputs["scale"],
                "total": np.sum(inputs["count"]),
            }
        case "half":
            return {"y": inputs["x"]}
    return {"copy": inputs["text"], "copy_bytes": inputs["text"]}


def score(features: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Classify one example: its name with its age, and "other" with its weight."""
    return [(features.get("name", "?"), features["age"]), ("other", features["weight"])]


def regress(features: Mapping[str, Any]) -> float:
    """Regress one example: age times weight."""
    return features["age"] * features["weight"]


def not_found(name: str) -> str | None:
    """What TensorFlow Serving says of a model that it does not have."""
    return None if name == MODEL else f"Servable not found for request: Latest({name})"


@dataclass
class Failures:
    """What the servers do to the next requests in place of answering, and what requests carried.

    Attributes:
        script: One entry per coming request: a (gRPC code, message), the seconds to hold the answer back,
            or the name of a way to break it; when it is used up requests are answered.
        hidden: Signatures that the metadata does not list.
        seen: (headers, payload size) of every request, failed ones included.
        reloaded: The configurations that were to be loaded.
        released: Set to end the waiting of held answers.
    """

    script: deque[Any] = field(default_factory=deque)
    hidden: set[str] = field(default_factory=set)
    seen: list[tuple[dict[str, str], int]] = field(default_factory=list)
    reloaded: list[Any] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next(self, headers: dict[str, str], size: int) -> Any:
        """Record a request and return its entry of the script."""
        self.seen.append((headers, size))
        entry = self.script.popleft() if self.script else None
        if isinstance(entry, int | float):
            self.released.wait(entry)
            return None
        return entry

    def signatures(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """The signatures that the metadata lists."""
        return {name: sides for name, sides in SIGNATURES.items() if name not in self.hidden}
