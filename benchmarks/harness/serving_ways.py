"""The ways of serving.py to ask one SavedModel: in process, over gRPC, over REST; and a bare server."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
from harness.server_process import MODEL, free_port
from PIL import Image

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

Ask = Callable[[], np.ndarray]


@contextlib.contextmanager
def echo(request: bytes, answer_bytes: int) -> Iterator[Callable[[], bytes]]:
    """Run a bare grpcio server until the block ends; yields a call that sends it ``request``."""
    port = free_port()
    script = Path(__file__).parent / "peers" / "grpc_echo.py"
    process = subprocess.Popen([sys.executable, str(script), str(port), str(answer_bytes)])
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED) as channel:
            call = channel.unary_unary(_PREDICT)
            call(request, timeout=60, wait_for_ready=True)
            yield lambda: call(request, timeout=60)
    finally:
        process.kill()
        process.wait()


def png(image: np.ndarray) -> bytes:
    """Return the PNG file of a float image in [0, 1]."""
    buffer = io.BytesIO()
    Image.fromarray((image * 255).round().astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class InProcess:
    """The same SavedModel run by a session in this process."""

    def __init__(self, version_folder: Path) -> None:
        from tfdeconv.serving.models.session_model import SessionModel

        self.model = SessionModel(version_folder)

    def floats(self, image: np.ndarray) -> Ask:
        """Return a call that upscales a float batch."""
        signature = self.model.signatures["serving_default"]
        feed, fetch = signature.inputs["image"].tensor_name, signature.outputs["upscaled"].tensor_name
        return lambda: self.model.run({feed: image}, [fetch])[0]

    def files(self, image: np.ndarray) -> Ask:
        """Return a call that upscales an encoded file."""
        signature = self.model.signatures["serve_image_bytes"]
        feed = signature.inputs["image_bytes"].tensor_name
        fetch = signature.outputs["upscaled_bytes"].tensor_name
        data = np.array([png(image[0])], object)
        return lambda: self.model.run({feed: data}, [fetch])[0]


class Grpc:
    """TensorFlow Serving's own stubs, with messages prepared before the clock starts."""

    def __init__(self, port: int) -> None:
        from tensorflow_serving.apis import predict_pb2

        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED)
        # The bytes of the answer are what the server is timed for; reading them is the client's work.
        self.call = self.channel.unary_unary(_PREDICT)
        self.message = predict_pb2

    def request(self, image: np.ndarray) -> bytes:
        """Return the message that asks for a float batch, sent as tensor_content."""
        import tensorflow as tf

        request = self.message.PredictRequest()
        request.model_spec.name = MODEL
        request.inputs["image"].CopyFrom(tf.make_tensor_proto(image))
        return request.SerializeToString()

    def floats(self, image: np.ndarray) -> Ask:
        """Return a call that sends a float batch."""
        from tfdeconv.serving.codec import tensor_proto

        data = self.request(image)

        def ask() -> np.ndarray:
            answer = self.message.PredictResponse.FromString(self.call(data, timeout=120))
            return tensor_proto.decode(answer.outputs["upscaled"].SerializeToString())

        ask.light = lambda: self.call(data, timeout=120)  # type: ignore[attr-defined]
        return ask


class Rest:
    """JSON over one kept connection."""

    def __init__(self, port: int) -> None:
        self.client = httpx.Client(timeout=120)
        self.url = f"http://127.0.0.1:{port}/v1/models/{MODEL}:predict"

    def files(self, image: np.ndarray) -> Ask:
        """Return a call that sends an encoded file in base64."""
        encoded = base64.b64encode(png(image[0])).decode()
        body = json.dumps({"signature_name": "serve_image_bytes", "instances": [{"b64": encoded}]}).encode()

        def ask() -> np.ndarray:
            answer = self.client.post(self.url, content=body).raise_for_status().json()
            return np.array([base64.b64decode(answer["predictions"][0]["b64"])], object)

        ask.light = lambda: self.client.post(self.url, content=body).raise_for_status()  # type: ignore[attr-defined]
        return ask

    def floats(self, image: np.ndarray) -> Ask:
        """Return a call that sends a float batch as JSON numbers."""
        body = json.dumps({"instances": image.tolist()}).encode()
        return lambda: np.float32(
            self.client.post(self.url, content=body).raise_for_status().json()["predictions"]
        )
