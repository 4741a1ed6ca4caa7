"""Small SavedModels and one server that all tests of the package share."""

from __future__ import annotations

import contextlib
import gc
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


@pytest.fixture(scope="module", autouse=True)
def _collect_what_is_new() -> Iterator[None]:
    """Unloading a model collects garbage: not among all objects of pytest and TensorFlow, test after test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _process_as_it_is() -> Iterator[None]:
    """Commands that run inside the tests' process must not change its memory, nor take its signals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfdeconv.cli.commands.serve.keep_freed_memory", lambda: True)
        patch.setattr("tfdeconv.cli.commands.serve._set_on_signals", lambda stopping: None)
        yield


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


def save_tf1(folder: Path) -> Path:
    """Write a SavedModel as TensorFlow 1 did: a graph with variables, an asset and an initialiser."""
    v1 = tf.compat.v1
    asset = folder / "words.txt"
    asset.write_text("low\nhigh\n")
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 1], "x")
        factor = v1.get_variable("factor", initializer=2.0, use_resource=False)
        y = tf.multiply(x, factor, name="y")
        serialized = v1.placeholder(tf.string, [None], "examples")
        feature = v1.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)})["x"]
        path = tf.constant(str(asset), name="words_path")
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, path)
        table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                path,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
            ),
            "?",
        )
        words = table.lookup(tf.cast(feature > 0.5, tf.int64))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        info, signature = v1.saved_model.build_tensor_info, v1.saved_model.build_signature_def
        examples = {"inputs": info(serialized)}
        scores = info(tf.expand_dims(feature, 1))
        base = "tensorflow/serving/"
        builder = v1.saved_model.Builder(str(folder / "1"))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": signature({"x": info(x)}, {"y": info(y)}, f"{base}predict"),
                "classes": signature(
                    examples, {"classes": info(tf.expand_dims(words, 1)), "scores": scores}, f"{base}classify"
                ),
                "scores": signature(examples, {"scores": scores}, f"{base}classify"),
                "value": signature(examples, {"outputs": info(feature * factor)}, f"{base}regress"),
            },
            main_op=v1.tables_initializer(),
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        )
        builder.save()
    asset.unlink()
    return folder


@pytest.fixture(scope="session")
def tf1_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base path whose version 1 is a TensorFlow 1 SavedModel."""
    return save_tf1(tmp_path_factory.mktemp("tf1"))


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
        return status, json.loads(content.decode("utf-8", "surrogateescape")) if content else None

    return call


@pytest.fixture(scope="session")
def rest(server: Server) -> Rest:
    """A caller of the shared server's REST port."""
    return rest_caller(server)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture
def connect() -> Iterator[Callable[[Server], Grpc]]:
    """Connect official stubs to a server; the channels close with the test."""
    opened: list[Grpc] = []

    def connected(server: Server) -> Grpc:
        opened.append(Grpc(f"127.0.0.1:{server.grpc_port}"))
        return opened[-1]

    yield connected
    for one in opened:
        one.channel.close()


@pytest.fixture(scope="session")
def call_rest() -> Callable[[Server], Rest]:
    """Make callers of any server's REST port."""
    return rest_caller
