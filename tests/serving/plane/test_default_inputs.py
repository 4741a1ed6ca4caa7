"""Inputs with default values, and labels in REST paths."""

from __future__ import annotations

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_waits import Toys
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2

from tfdeconv.serving import Server


@pytest.fixture(scope="module")
def server(toy_folder, tmp_path_factory):
    """Version 1 of the toy, whose signature `two` has a default for b, under the label `stable`."""
    base = tmp_path_factory.mktemp("defaults")
    path = Toys.copy(toy_folder / "1", base, 1) / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    signature = message.meta_graphs[0].signature_def["two"]
    signature.defaults["b"].CopyFrom(tf.make_tensor_proto(np.int32([10])))
    path.write_bytes(message.SerializeToString())
    config = base / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "toy" base_path: "{base}" model_platform: "tensorflow" '
        'version_labels { key: "stable" value: 1 } } }'
    )
    with Server(model_config_file=config) as running:
        yield running
    shutil.rmtree(base)


def predict(**inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "toy", "two"
    request.model_spec.version_label = "stable"
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def test_missing_input_takes_its_default(server, connect):
    """An input with a default may be left out; a value in the request wins."""
    stub = connect(server).prediction
    a = np.float32([[1, 2]])
    assert list(stub.Predict(predict(a=a)).outputs["next"].int_val) == [11]
    assert list(stub.Predict(predict(a=a, b=np.int32([1]))).outputs["next"].int_val) == [2]


def test_input_without_default_is_still_needed(server, connect):
    """The message lists what was sent and what has a default."""
    with pytest.raises(grpc.RpcError) as caught:
        connect(server).prediction.Predict(predict(b=np.int32([1])))
    assert caught.value.details() == (
        "Signature input alias: a(feed name: two_a:0) not found in request and no default value provided. "
        "Inputs expected to be in the request {b}, or default input alias set: b"
    )


def test_too_few_inputs_where_some_have_a_default(server, connect):
    """Not their number is wrong, as for signatures without defaults, but the first that is missing."""
    with pytest.raises(grpc.RpcError) as caught:
        connect(server).prediction.Predict(predict())
    assert caught.value.details() == (
        "Signature input alias: a(feed name: two_a:0) not found in request and no default value provided. "
        "Inputs expected to be in the request {}, or default input alias set: b"
    )


def test_unknown_name_beside_a_default(server, connect):
    """A wrong name is found although the number of inputs fits."""
    with pytest.raises(grpc.RpcError) as caught:
        connect(server).prediction.Predict(predict(a=np.float32([[1, 2]]), z=np.int32([1])))
    assert caught.value.details() == (
        "Inputs contains invalid name. Used request inputs: a, request input: a,z"
    )


def test_label_in_a_rest_path(server, call_rest):
    """Labels choose the version of predict and metadata; status ignores them."""
    rest = call_rest(server)
    body = {"inputs": {"x": [[1]]}}
    assert rest("POST", "/v1/models/toy/labels/stable:predict", body) == (200, {"outputs": [[2.0]]})
    assert rest("GET", "/v1/models/toy/labels/stable/metadata")[1]["model_spec"]["version"] == "1"
    assert rest("GET", "/v1/models/toy/labels/none")[0] == 200
