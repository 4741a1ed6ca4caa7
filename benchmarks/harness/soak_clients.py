"""Who talks to the server in soak.py: clients that ask properly, the operator, and clients that misbehave."""

from __future__ import annotations

import base64
import collections
import contextlib
import gzip
import io
import itertools
import json
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx
import numpy as np
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfdeconv.client import Client, RetryPolicy, connect

LONGEST_ANSWER = 20.0
SETTLING = 2.0
REFUSALS = {400, 408, 413, 429, 431, 499, 503, 504}
CONFIG = """
model_config_list {{
  config {{
    name: "steady" base_path: "{base}/steady" model_platform: "tensorflow"
    model_version_policy {{ specific {{ {versions} }} }} {labels}
  }}
  config {{ name: "moving" base_path: "{base}/moving" model_platform: "tensorflow" }}
}}
"""


def png(array: np.ndarray) -> bytes:
    """Return the PNG file of a uint8 picture."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def float_request(image: np.ndarray) -> predict_pb2.PredictRequest:
    """Return the message that asks for a float batch."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "steady"
    tensor = request.inputs["image"]
    tensor.dtype, tensor.tensor_content = 1, image.tobytes()
    for size in image.shape:
        tensor.tensor_shape.dim.add(size=size)
    return request


class Record:
    """What has happened so far, of all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: collections.Counter[str] = collections.Counter()
        self.slowest: dict[str, float] = collections.defaultdict(float)
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []

    def call(self, name: str, seconds: float, failure: str | None) -> None:
        """Count a call and how it went."""
        with self._lock:
            self.calls[name] += 1
            self.slowest[name] = max(self.slowest[name], seconds)
            if failure:
                self.failures.append(f"{name}: {failure}")

    def outcome(self, text: str) -> None:
        """Count how the server answered a client that misbehaves."""
        with self._lock:
            self.outcomes[text] += 1


class Good:
    """Clients that ask properly. Each call raises unless the answer is what it was the first time."""

    def __init__(self, grpc_url: str, rest_url: str) -> None:
        # No call is repeated: each has to succeed.
        once = RetryPolicy(attempts=1)
        self._clients: dict[str, Client] = {
            name: connect(url, retry=once, timeout=LONGEST_ANSWER)
            for name, url in (("grpc", grpc_url), ("rest", rest_url))
        }
        self._rest_url = rest_url
        self._expected: dict[str, bytes] = {}
        rng = np.random.default_rng(0)
        self._floats = {size: rng.random((1, size, size, 3), np.float32) for size in (8, 16, 192, 512)}
        self._file = png(rng.integers(0, 255, (96, 128, 3), np.uint8))

    def floats(self, protocol: str, size: int, model: str = "steady", **choice: str | int) -> None:
        """Upscale a float batch."""
        answer = self._clients[protocol].predict({"image": self._floats[size]}, model=model, **choice)
        # Both protocols give the same numbers: REST prints what reads back as the same float.
        self._compare(f"float {size}", answer["upscaled"].tobytes())

    def file(self, protocol: str) -> None:
        """Upscale an encoded picture."""
        self._compare("file", self._clients[protocol].upscale(self._file, model="steady"))

    def packed(self) -> None:
        """Send gzip, to the label that moves."""
        encoded = base64.b64encode(self._file).decode()
        body = {"signature_name": "serve_image_bytes", "instances": [{"b64": encoded}]}
        answer = httpx.post(
            f"{self._rest_url}/v1/models/steady/labels/stable:predict",
            content=gzip.compress(json.dumps(body).encode()),
            headers={"Content-Encoding": "gzip"},
            timeout=LONGEST_ANSWER,
        ).raise_for_status()
        self._compare("file", base64.b64decode(answer.json()["predictions"][0]["b64"]))

    def looks(self) -> None:
        """Ask for states and health, as a balancer does."""
        assert any(state.state == "AVAILABLE" for state in self._clients["grpc"].status(model="steady"))
        for path in ("/healthz", "/readyz", "/v1/models/moving", "/monitoring/prometheus/metrics"):
            httpx.get(self._rest_url + path, timeout=LONGEST_ANSWER).raise_for_status()

    def _compare(self, what: str, answer: bytes) -> None:
        if answer != self._expected.setdefault(what, answer):
            raise AssertionError(f"{what} was answered with other numbers than the first time")


class Operator:
    """Changes what is served, the way the guide says."""

    def __init__(self, base: Path, client: Client) -> None:
        self._base, self._client = base, client
        self._numbers = itertools.count(2)
        self._switches = itertools.cycle([(1, 2), (2, 1)])

    def config(self, versions: tuple[int, ...], stable: int) -> str:
        """Return the model configuration: versions of the first model, and the one that clients ask for."""
        listed = " ".join(f"versions: {version}" for version in versions)
        label = f'version_labels {{ key: "stable" value: {stable} }}'
        return CONFIG.format(base=self._base, versions=listed, labels=label)

    def reload(self) -> None:
        """Go over to the other version: load it, move the label, unload the old one."""
        old, new = next(self._switches)
        self._client.reload(self.config((old, new), old), timeout=60)
        self._client.wait_until_ready(model="steady", version=new, timeout=60)
        for versions in ((old, new), (new,)):
            self._client.reload(self.config(versions, new), timeout=60)

    def replace(self) -> None:
        """Put a new version of the other model in place, and remove the old one."""
        folder, number = self._base / "moving", next(self._numbers)
        hidden = folder / f".writing-{number}"
        shutil.copytree(self._base / "steady" / "1", hidden)
        hidden.rename(folder / str(number))
        self._client.wait_until_ready(model="moving", version=number, timeout=60)
        shutil.rmtree(folder / str(number - 1))

    def half_copy(self) -> None:
        """Leave a version without its variables for a while, and take it away again."""
        broken = self._base / "moving" / "1000000"
        shutil.copytree(self._base / "steady" / "1", broken, ignore=shutil.ignore_patterns("variables"))
        time.sleep(SETTLING)
        shutil.rmtree(broken)


class Bad:
    """Clients that misbehave. Each call raises if the server breaks by it."""

    def __init__(self, grpc_port: int, rest_port: int, record: Record) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{grpc_port}")
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._address = ("127.0.0.1", rest_port)
        self._url = f"http://127.0.0.1:{rest_port}/v1/models/steady:predict"
        self._record = record
        self._large = float_request(np.zeros((1, 384, 384, 3), np.float32))
        self._bombs = itertools.cycle(self._documents())

    @staticmethod
    def _documents() -> list[tuple[str, bytes]]:
        header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (50_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        pictures = {"signature_name": "serve_image_bytes", "instances": [{"b64": base64.b64encode(header)}]}
        picture = json.dumps(pictures, default=bytes.decode).encode()
        million = 1_000_000
        return [
            ("empty lists", b'{"instances":[' + b"[]," * (2 * million) + b"1]}"),
            ("flat numbers", b'{"instances":[' + b"1," * (2 * million) + b"1]}"),
            ("objects", b'{"instances":[' + b'{"a":1},' * million + b"{}]}"),
            ("deep lists", b'{"instances":' + b"[" * million + b"]" * million + b"}"),
            ("picture", picture),
            ("text", b'{"instances":["' + b"a" * (20 * million) + b'"]}'),
            ("blanks", b" " * (120 * million)),
            ("cut off", b'{"instances":[[[[0.1,0.2'),
        ]

    def bomb(self) -> None:
        """Send a document that costs the sender little."""
        name, document = next(self._bombs)
        packed = gzip.compress(document, 1)
        answer = httpx.post(self._url, content=packed, headers={"Content-Encoding": "gzip"}, timeout=60)
        self._record.outcome(f"{name} bomb: {answer.status_code}")
        assert answer.status_code in REFUSALS, f"{name}: {answer.status_code} {answer.text[:200]}"

    def picture_bomb(self) -> None:
        """Send a picture that declares billions of pixels, and one that is cut off, over gRPC."""
        whole = png(np.zeros((4, 4, 3), np.uint8))
        header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        for data in (header, whole[:40]):
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = "steady", "serve_image_bytes"
            tensor = request.inputs["image_bytes"]
            tensor.dtype = 7
            tensor.tensor_shape.dim.add(size=1)
            tensor.string_val.append(data)
            code = self._code(lambda request=request: self._stub.Predict(request, timeout=20))
            assert code == "INVALID_ARGUMENT", code

    def cancel(self) -> None:
        """Give up a call soon after it was sent."""
        call = self._stub.Predict.future(self._large, timeout=60)
        time.sleep(random.uniform(0, 0.03))
        call.cancel()

    def short_deadline(self) -> None:
        """Wait for less time than the work takes."""
        code = self._code(lambda: self._stub.Predict(self._large, timeout=random.uniform(0.001, 0.02)))
        # The answer may be larger than this channel takes: it came in time, then.
        assert code in ("OK", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"), code

    def hang_up(self) -> None:
        """Send a request over REST, and go."""
        body = b'{"instances":[' + b"[" + b"[[0,0,0]]," * 20_000 + b"[[0,0,0]]" + b"]" + b"]}"
        with socket.create_connection(self._address, timeout=20) as connection:
            head = (
                f"POST /v1/models/steady:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body[: random.choice([100, len(body)])])

    def stall(self) -> None:
        """Stop in the middle of heads and bodies, until the server has had enough."""
        heads = [
            b"",
            b"POST /v1/models/st",
            b"POST /v1/models/steady:predict HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
        ]
        with contextlib.ExitStack() as stack:
            held = []
            for head in heads * 3:
                connection = stack.enter_context(socket.create_connection(self._address, timeout=60))
                connection.sendall(head)
                held.append(connection)
            for connection in held:
                answer = connection.recv(100)  # it fails after a minute: the server has to end them
                self._record.outcome(f"stalled: {answer[:12].decode() or 'closed'}")

    def _code(self, call: Callable[[], object]) -> str:
        try:
            call()
        except grpc.RpcError as error:
            self._record.outcome(f"gRPC: {error.code().name}")
            return str(error.code().name)
        return "OK"
