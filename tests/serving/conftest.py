"""Small SavedModels and one server that all tests of the package share."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from tfdeconv.serving import Server


class Toy(tf.Module):
    """Signatures of every kind: several inputs and outputs, strings, images, tf.Example."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = tf.Variable(factor)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    def scale(self, x):
        return {"y": x * self.factor}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, name="a"),
            tf.TensorSpec([None], tf.int32, name="b"),
        ]
    )
    def two(self, a, b):
        return {"sum": tf.reduce_sum(a, 1), "next": b + 1}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def echo(self, text):
        return {"text": text, "text_bytes": text, "length": tf.strings.length(text)}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="image")])
    def blur(self, image):
        return {"image": tf.nn.conv2d(image, tf.ones([3, 3, 3, 3]) / 27, 1, "SAME")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)})["x"]
        names = tf.repeat([["low", "high"]], tf.shape(x)[0], 0)
        return {"classes": names, "scores": tf.stack([1 - x, x], 1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)})["x"]
        return {"outputs": x * self.factor}


def save_toy(folder: Path, version: int, factor: float = 2.0) -> Path:
    """Write a Toy as ``folder/version``, complete before it gets its name."""
    module = Toy(factor)
    signatures = {
        "serving_default": module.scale,
        "two": module.two,
        "echo": module.echo,
        "blur": module.blur,
        "classify": module.classify,
        "regress": module.regress,
    }
    hidden = folder / f".writing-{version}"
    tf.saved_model.save(module, str(hidden), signatures=signatures)
    return hidden.rename(folder / str(version))


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base path with version 1 (factor 2) and version 2 (factor 3)."""
    folder = tmp_path_factory.mktemp("toy")
    save_toy(folder, 1, 2.0)
    save_toy(folder, 2, 3.0)
    return folder


@pytest.fixture(scope="session")
def server(toy_folder: Path) -> Iterator[Server]:
    """A server of the toy model under the name ``toy``."""
    with Server(model_base_path=toy_folder, model_name="toy") as running:
        yield running


class Grpc:
    """Official stubs to a server."""

    def __init__(self, address: str) -> None:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(address, options=unlimited)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)


@pytest.fixture(scope="session")
def stubs(server: Server) -> Iterator[Grpc]:
    """Official stubs to the shared server."""
    connected = Grpc(f"127.0.0.1:{server.grpc_port}")
    yield connected
    connected.channel.close()


Rest = Callable[..., tuple[int, Any]]


def rest_caller(server: Server) -> Rest:
    """Return ``call(method, path, body=None) -> (status, decoded answer)``."""

    def call(
        method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(server.rest_url + path, data, headers or {}, method=method)
        with contextlib.ExitStack() as stack:
            try:
                answer = stack.enter_context(urllib.request.urlopen(request, timeout=60))
                status = answer.status
            except urllib.error.HTTPError as error:
                answer = stack.enter_context(error)
                status = error.code
            content = answer.read()
        return status, json.loads(content) if content else None

    return call


@pytest.fixture(scope="session")
def rest(server: Server) -> Rest:
    """A caller of the shared server's REST port."""
    return rest_caller(server)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)
