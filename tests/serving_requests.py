"""Requests to the toy model, as clients that are not ours send them."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfdeconv.serving import Server

PREDICT = "/v1/models/toy:predict"


def predict_request(label: str = "") -> predict_pb2.PredictRequest:
    """Return the message that asks for twice, or three times, 1."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    if label:
        request.model_spec.version_label = label
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1]])))
    return request


def ask(channel: grpc.Channel) -> list[float]:
    """Return what the model answers over a gRPC channel."""
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return list(stub.Predict(predict_request(), timeout=60).outputs["y"].float_val)


def http_call(
    server: Server,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a server's answer over REST."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
