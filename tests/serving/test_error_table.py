"""TensorFlow Serving's errors: code and message, row by row, over both protocols."""

from __future__ import annotations

import re

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tfdeconv import errors
from tfdeconv.wire import status_codes

X = np.float32([[1, 2]])


def predict(inputs, *, name="toy", signature="", version=None, label=None, output_filter=(), spec=True):
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    if spec:
        request.model_spec.name = name
        request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def broken():
    request = predict({"x": X})
    request.inputs["x"].tensor_content = b"123"
    return request


def classify(*values, name="toy", signature="classify"):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for value in values:
        request.input.example_list.examples.add().features.feature["x"].float_list.value.append(value)
    return request


def multi(*tasks):
    request = inference_pb2.MultiInferenceRequest()
    for name, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = name
        task.model_spec.signature_name = signature
    request.input.example_list.examples.add()
    return request


def metadata(*fields):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "toy"
    return request


def status(name, version=None):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


NOT_FOUND, INVALID, PRECONDITION = "NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION"
GRPC_CASES = [
    ("Predict", predict({}, spec=False), INVALID, "Missing ModelSpec"),
    ("Predict", predict({}, name=""), INVALID, "ModelSpec has no name specified."),
    ("Predict", predict({}, name="m"), NOT_FOUND, "Servable not found for request: Latest(m)"),
    ("Predict", predict({}, version=9), NOT_FOUND, "Servable not found for request: Specific(toy, 9)"),
    ("Predict", predict({}, version=0), NOT_FOUND, "Servable not found for request: Specific(toy, 0)"),
    ("Predict", predict({}, label="L"), INVALID, "Unrecognized servable version label: L"),
    ("Predict", predict({}, signature="s"), PRECONDITION, 'Serving signature key "s" not found.'),
    (
        "Predict",
        predict({"a": X, "b": X}),
        INVALID,
        "input size does not match signature: 2!=1 len({a,b}) != len({x}). Sent extra: {a,b}. "
        "Missing but required: {x}.",
    ),
    (
        "Predict",
        predict({"z": X}),
        INVALID,
        "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {z}, or default input alias set: ",
    ),
    ("Predict", broken(), INVALID, "tensor parsing error: x"),
    (
        "Predict",
        predict({"x": [["a"]]}),
        INVALID,
        "Expects arg[0] to be float but string is provided",
    ),
    (
        "Predict",
        predict({"x": X}, output_filter=["z"]),
        INVALID,
        "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
    ),
    (
        "Predict",
        predict({"x": X}, output_filter=["y", "y"]),
        INVALID,
        "duplicate output tensor alias: y",
    ),
    ("Classify", classify(1, signature="s"), INVALID, "No signature was found with the name: s"),
    ("Classify", classify(), INVALID, "Input is empty."),
    (
        "Classify",
        classify(1, signature="serving_default"),
        INVALID,
        "No classification inputs found in SignatureDef: serving_default with inputs {x} and outputs {y}",
    ),
    (
        "Regress",
        regression_pb2.RegressionRequest.FromString(
            classify(1, signature="serving_default").SerializeToString()
        ),
        INVALID,
        "No regression inputs found in SignatureDef: serving_default with inputs {x} and outputs {y}",
    ),
    (
        "Regress",
        regression_pb2.RegressionRequest.FromString(classify(1, signature="s").SerializeToString()),
        INVALID,
        "No signature was found with the name: s",
    ),
    (
        "MultiInference",
        multi(("toy", "s", "classify")),
        INVALID,
        "Requested signature not found in model graph: s",
    ),
    (
        "MultiInference",
        multi(("toy", "classify", "classify"), ("toy", "classify", "classify")),
        INVALID,
        "Duplicate evaluation of signature: classify",
    ),
    (
        "MultiInference",
        multi(("toy", "classify", "classify"), ("other", "regress", "regress")),
        INVALID,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ),
    (
        "MultiInference",
        multi(("toy", "classify", "predict")),
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
    (
        "GetModelMetadata",
        metadata(),
        INVALID,
        "GetModelMetadataRequest must specify at least one metadata_field",
    ),
    ("GetModelMetadata", metadata("f"), INVALID, "Metadata field f is not supported"),
    ("GetModelStatus", status("m"), NOT_FOUND, "Could not find any versions of model m"),
    ("GetModelStatus", status("toy", 9), NOT_FOUND, "Could not find version 9 of model toy"),
    (
        "HandleReloadConfigRequest",
        model_management_pb2.ReloadConfigRequest(),
        INVALID,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
        "currently supported",
    ),
]


@pytest.mark.parametrize(("method", "request_", "code", "details"), GRPC_CASES)
def test_grpc_row(stubs, method, request_, code, details):
    """The code and the whole message are TensorFlow Serving's."""
    stub = stubs.model if method in ("GetModelStatus", "HandleReloadConfigRequest") else stubs.prediction
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request_)
    assert (caught.value.code().name, caught.value.details()) == (code, details)


def test_grpc_rank_that_would_abort_the_process_is_refused(stubs):
    """A rank that contradicts a TensorFlow 2 signature is an error, and the server lives on."""
    with pytest.raises(grpc.RpcError) as caught:
        stubs.prediction.Predict(predict({"image": np.float32([1, 2, 3])}, signature="blur"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "must have rank 4 (shape [?,?,?,3])" in caught.value.details()
    assert stubs.prediction.Predict(predict({"x": X})).outputs["y"].float_val


def test_grpc_long_details_are_cut(stubs):
    """Details keep 1024 characters and say that they were cut."""
    with pytest.raises(grpc.RpcError) as caught:
        stubs.prediction.Predict(predict({}, name="m" * 3000))
    assert len(caught.value.details()) == 1024 + len("...TRUNCATED")
    assert caught.value.details().endswith("m...TRUNCATED")


PREDICT = "/v1/models/toy:predict"
ELEMENT = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: "
REST_CASES = [
    ("POST", "/v1/models/m:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(m)"),
    (
        "POST",
        "/v1/models/toy/versions/0:predict",
        {"instances": [1]},
        404,
        "Servable not found for request: Specific(toy, 0)",
    ),
    (
        "POST",
        "/v1/models/toy/labels/L:predict",
        {"instances": [1]},
        400,
        "Unrecognized servable version label: L",
    ),
    ("GET", "/v1/models/m", None, 404, "Could not find any versions of model m"),
    ("GET", "/v1/models/toy/versions/9", None, 404, "Could not find version 9 of model toy"),
    ("GET", "/v1/models", None, 400, "Missing model name in request."),
    ("GET", "/v1/models/toy/", None, 400, "Malformed request: GET /v1/models/toy/"),
    ("POST", "/v1/models/toy", {}, 400, "Malformed request: POST /v1/models/toy"),
    ("GET", "/v1/models/toy?x=1", None, 400, "Malformed request: GET /v1/models/toy?x=1"),
    ("PUT", PREDICT, {}, 400, f"Malformed request: PUT {PREDICT}"),
    ("DELETE", "/v1/models/toy", None, 400, "Malformed request: DELETE /v1/models/toy"),
    (
        "GET",
        "/v1/models/toy/versions/99999999999999999999",
        None,
        400,
        "Failed to convert version: 99999999999999999999 to numeric.",
    ),
    (
        "POST",
        PREDICT,
        {"signature_name": "s", "instances": [1]},
        400,
        'Serving signature name: "s" not found in signature def',
    ),
    (
        "POST",
        PREDICT,
        {"instances": ["x"]},
        400,
        ELEMENT.format(0) + 'JSON Value: "x" Type: String is not of expected type: float',
    ),
    (
        "POST",
        PREDICT,
        {"instances": [[0.5] * 270, [0.5] * 252]},
        400,
        ELEMENT.format(1) + "Expecting tensor size: 270 but got: 252",
    ),
    (
        "POST",
        PREDICT,
        {"instances": [[[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]]]},
        400,
        ELEMENT.format(1) + "Expecting shape [2,3] but got: [3,2]",
    ),
    (
        "POST",
        PREDICT,
        {"instances": [[[1, 2, 3], [4, 5]]]},
        400,
        ELEMENT.format(0) + "Encountered list at unexpected size: 2 at level: 1 expected size: 3",
    ),
    (
        "POST",
        PREDICT,
        {"inputs": [[1, 2, 3], [4, 5]]},
        400,
        "Encountered list at unexpected size: 2 at level: 1 expected size: 3",
    ),
    (
        "POST",
        PREDICT,
        {"signature_name": "two", "instances": [{"a": [1, "x"], "b": 1}]},
        400,
        "Failed to process element: 0 key: a of 'instances' list. Error: INVALID_ARGUMENT: "
        'JSON Value: "x" Type: String is not of expected type: float',
    ),
    ("POST", PREDICT, b"", 400, "JSON Parse error: The document is empty"),
    ("POST", PREDICT, b"x", 400, "JSON Parse error: Invalid value. at offset: 0"),
    ("POST", PREDICT, {"a": 1}, 400, "Missing 'inputs' or 'instances' key"),
    (
        "POST",
        PREDICT,
        {"inputs": 1, "instances": [1]},
        400,
        'JSON Value: {\n    "inputs": 1,\n    "instances": [1]\n} Not formatted correctly '
        "expecting only one of 'inputs' or 'instances' keys to exist ",
    ),
    (
        "POST",
        PREDICT,
        {"signature_name": "two", "inputs": {"a": [[1, 2]]}},
        400,
        "Missing named input: b in 'inputs' object.",
    ),
    (
        "POST",
        "/v1/models/toy:classify",
        {"signature_name": "classify", "x": 1},
        400,
        'JSON Value: {\n    "signature_name": "classify",\n    "x": 1\n} '
        "When method is classify, key 'examples' is expected and was not found",
    ),
    (
        "POST",
        "/v1/models/toy:regress",
        {},
        400,
        "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
    ),
    (
        "POST",
        "/v1/models/toy:classify",
        {"signature_name": "classify", "examples": [{"x": [0.5, 1]}]},
        400,
        "Unexpected element type in feature: x expecting type: float",
    ),
    (
        "POST",
        "/v1/models/toy:classify",
        {"signature_name": "s", "examples": [{}]},
        400,
        "No signature was found with the name: s",
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "code", "message"), REST_CASES)
def test_rest_row(rest, method, path, body, code, message):
    """The HTTP status and the whole message are TensorFlow Serving's."""
    assert rest(method, path, body) == (code, {"error": message})


def test_rest_outside_the_api_is_a_bare_404(rest):
    """Other paths answer 404 without a body."""
    assert rest("GET", "/other") == (404, None)


HTTP = {
    400: ["INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"],
    401: ["UNAUTHENTICATED"],
    403: ["PERMISSION_DENIED"],
    404: ["NOT_FOUND"],
    409: ["ALREADY_EXISTS", "ABORTED"],
    429: ["RESOURCE_EXHAUSTED"],
    499: ["CANCELLED"],
    501: ["UNIMPLEMENTED"],
    503: ["UNAVAILABLE"],
    504: ["DEADLINE_EXCEEDED"],
    500: ["INTERNAL", "UNKNOWN", "DATA_LOSS"],
}


@pytest.mark.parametrize(("status", "codes"), HTTP.items())
def test_http_status_of_each_code(status, codes):
    """HTTP statuses follow the reference's list."""
    assert {status_codes.http_status(code) for code in codes} == {status}


def test_every_serving_error_has_a_code():
    """Each domain class maps to a code whose number maps back to it, or to the class that it is a kind of."""
    for kind in vars(errors).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, errors.ServingError)
            and kind is not errors.ServingError
        ):
            code = status_codes.code_of(kind("x"))
            back = type(status_codes.error_of(status_codes.NUMBERS[code], "x"))
            assert issubclass(kind, back)
            assert back is not errors.ServingError
            assert re.fullmatch(f"{code}: x", status_codes.with_code(kind("x")))
