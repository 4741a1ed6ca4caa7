"""Bad input of every kind gets an error of the table's kind, and the server lives on."""

from __future__ import annotations

import gzip
import json
import resource
import sys

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
}
METHODS = ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]


def alive(stubs):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "toy"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1]])))
    return list(stubs.prediction.Predict(message, timeout=60).outputs["y"].float_val) == [3]


def raw(stubs, method, data):
    call = stubs.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    try:
        call(data, timeout=60)
    except grpc.RpcError as error:
        return error.code()
    return None


def valid_request():
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "toy"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1, 2], [3, 4]])))
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("method", METHODS)
def test_random_bytes_over_grpc(stubs, rng, method):
    """Random messages are refused, never answered with INTERNAL."""
    for size in (1, 2, 5, 20, 200):
        for _ in range(20):
            assert raw(stubs, method, rng.bytes(size)) in EXPECTED
    assert alive(stubs)


def test_flipped_bytes_over_grpc(stubs, rng):
    """A valid message with bytes changed, cut or doubled is answered or refused."""
    data = valid_request()
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        cut = bytes(changed[: int(rng.integers(1, len(changed) + 1))])
        assert raw(stubs, "Predict", bytes(changed)) in {None, *EXPECTED}
        assert raw(stubs, "Predict", cut) in {None, *EXPECTED}
    assert alive(stubs)


BODIES = [
    b"[" * 200_000,
    b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"instances": [' + b"9" * 10_000 + b"]}",
    b'{"instances": [[1e999]]}',
    b'{"instances": [{"b64": "%%%"}]}',
    b'{"inputs": {"x": {"b64": "aGk="}}}',
    b'{"instances": [[-0]], "signature_name": null}',
    b'{"instances": [[1]], "instances": "twice"}',
    b'{"signature_name": "echo", "instances": ["\\ud800"]}',
    b'{"signature_name": "echo", "instances": ["\\u0000\xff"]}',
    b"\x00" * 1000,
    b"\xef\xbb\xbf{}",
    b'{"instances": [[1], [[2]]]}',
    b'{"signature_name": "blur", "instances": [[[[1, 2, 3, 4]]]]}',
    b'{"signature_name": "blur", "instances": [1]}',
    b'{"signature_name": "blur", "instances": [[]]}',
    b'{"signature_name": "__saved_model_init_op", "instances": [1]}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
def test_bad_json(rest, stubs, method, body):
    """Deep, huge, mistyped and broken documents get a 4xx with an error, never a 500."""
    status, answer = rest("POST", f"/v1/models/toy:{method}", body)
    assert status in (200, 400, 404, 501)
    assert (status == 200) == ("error" not in answer)
    if status != 200:
        assert "Traceback" not in answer["error"]
    assert alive(stubs)


def test_random_json_mutations(rest, rng):
    """A valid body with bytes changed is answered or refused."""
    body = json.dumps({"signature_name": "serving_default", "instances": [[1.5, 2], [3, -4]]}).encode()
    for _ in range(200):
        changed = bytearray(body)
        for _ in range(int(rng.integers(1, 5))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        assert rest("POST", "/v1/models/toy:predict", bytes(changed))[0] in (200, 400)


def test_paths(rest):
    """Odd paths are malformed or not found."""
    for path in (
        "/v1/models/%00",
        "/v1/models/a%2Fb",
        "/v1/models/toy/versions/-1",
        "/v1/" + "a" * 5000,
        "/v1//",
    ):
        assert rest("GET", path)[0] in (400, 404)


def test_memory_does_not_grow_with_bad_input(rest, stubs, rng):
    """Huge declared shapes and gzip bombs allocate nothing that stays: the peak grows by less than 300 MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "toy"
    message.inputs["x"].dtype = 1
    for size in (1 << 20, 1 << 30):
        message.inputs["x"].tensor_shape.dim.add(size=size)
    message.inputs["x"].float_val.append(1)
    bomb = gzip.compress(b" " * 200_000_000)
    for _ in range(20):
        assert raw(stubs, "Predict", message.SerializeToString()) is grpc.StatusCode.INVALID_ARGUMENT
    assert rest("POST", "/v1/models/toy:predict", bomb, {"Content-Encoding": "gzip"})[0] == 400
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    assert after - before < 300e6
    assert alive(stubs)
