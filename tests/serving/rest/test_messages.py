"""Every message of TensorFlow Serving's REST code, request by request, with the HTTP status.

Read from ``http_rest_api_handler.cc``, ``http_rest_api_util.cc``, ``http_server.cc``, ``json_tensor.cc``,
``get_model_status_impl.cc`` and ``get_model_metadata_impl.cc`` of its main branch (2026-07). Errors of JSON
itself are in ``codec/test_json_error.py``.
"""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from tfdeconv.serving import Server


class Odd(tf.Module):
    """Inputs and outputs that JSON has no place for."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.half, name="x")])
    def half(self, x):
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def to_half(self, x):
        return {"y": tf.cast(x, tf.half)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def total(self, x):
        return {"y": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def uneven(self, x):
        return {"a": x, "b": x[1:]}

    @tf.function(input_signature=[])
    def nothing(self):
        return {"y": tf.constant([1.0])}


@pytest.fixture(scope="module")
def odd(tmp_path_factory, call_rest):
    """A caller of a server of Odd."""
    folder = tmp_path_factory.mktemp("odd")
    module = Odd()
    names = ("half", "to_half", "total", "uneven", "nothing")
    tf.saved_model.save(module, str(folder / "1"), signatures={name: getattr(module, name) for name in names})
    with Server(model_base_path=folder, model_name="odd", grpc_port=None) as server:
        yield call_rest(server)


PREDICT, CLASSIFY, REGRESS = (f"/v1/models/toy:{method}" for method in ("predict", "classify", "regress"))
NOT_A_FLOAT = "is not of expected type: float"


def row(index, text, key=None):
    named = "" if key is None else f" key: {key}"
    return f"Failed to process element: {index}{named} of 'instances' list. Error: INVALID_ARGUMENT: {text}"


def quoted(document, text):
    indented = json.dumps(document, indent=4)
    assert "[" not in indented, "arrays are on one line there"
    return f"JSON Value: {indented} {text}"


PATHS = [
    ("GET", "/v1/models/m", 404, "Could not find any versions of model m"),
    ("GET", "/v1/models/m/versions/3", 404, "Could not find version 3 of model m"),
    ("GET", "/v1/models/toy/versions/0", 404, "Could not find version 0 of model toy"),
    (
        "GET",
        "/v1/models/toy/versions/9223372036854775807",
        404,
        "Could not find version 9223372036854775807 of model toy",
    ),
    (
        "GET",
        "/v1/models/toy/versions/9223372036854775808",
        400,
        "Failed to convert version: 9223372036854775808 to numeric.",
    ),
    ("GET", "/v1/models/toy/versions/-1", 400, "Malformed request: GET /v1/models/toy/versions/-1"),
    ("GET", "/v1/models/toy/versions/", 400, "Malformed request: GET /v1/models/toy/versions/"),
    ("GET", "/v1/models/toy/metadata/x", 400, "Malformed request: GET /v1/models/toy/metadata/x"),
    ("GET", "/v1/models/metadata/metadata", 404, "Servable not found for request: Latest(metadata)"),
    ("GET", "/v1/models/versions/3", 400, "Missing model name in request."),
    ("GET", "/v1/models/metadata/versions/x", 400, "Malformed request: GET /v1/models/metadata/versions/x"),
    ("GET", "/v1/models/m/metadata", 404, "Servable not found for request: Latest(m)"),
    ("GET", "/v1/models/toy/versions/9/metadata", 404, "Servable not found for request: Specific(toy, 9)"),
    ("GET", "/v1/models/toy/labels/L/metadata", 400, "Unrecognized servable version label: L"),
    ("GET", "/v1/models/toy/labels/a%20b/metadata", 400, "Unrecognized servable version label: a b"),
    ("GET", "/v1/models/%C3%BC", 404, "Could not find any versions of model ü"),
    ("GET", "/v1/models/a%2Fb%3Ac", 404, "Could not find any versions of model a/b:c"),
    ("GET", "/v1/models/a+b", 404, "Could not find any versions of model a+b"),
    ("GET", "/v1/models/metadata", 404, "Could not find any versions of model metadata"),
    ("GET", "/v1/", 400, "Malformed request: GET /v1/"),
    ("GET", "/v1/models/toy:predict", 400, "Malformed request: GET /v1/models/toy:predict"),
    ("POST", "/v1/models/toy:PREDICT/", 400, "Malformed request: POST /v1/models/toy:PREDICT/"),
    ("POST", "/v1/models/toy:explain", 400, "Malformed request: POST /v1/models/toy:explain"),
    ("PATCH", "/v1/models/toy", 400, "Malformed request: PATCH /v1/models/toy"),
]


@pytest.mark.parametrize(("method", "path", "status", "message"), PATHS)
def test_path(rest, method, path, status, message):
    """What a path asks for in vain."""
    assert rest(method, path, b"" if method == "POST" else None) == (status, {"error": message})


@pytest.mark.parametrize(
    "path", ["/V1/Models/toy/Versions/0000000000000000000000002", "/v1/models/%74%6fy/versions/2"]
)
def test_spelling_of_a_path(rest, path):
    """Letters of either case, escapes, and zeros in front of a version are the same path."""
    assert rest("GET", path)[1]["model_version_status"][0]["version"] == "2"


BODIES = [
    (
        PREDICT,
        {"signature_name": 1},
        quoted(
            {"signature_name": 1}, "not formatted correctly. 'signature_name' key must be a string value."
        ),
    ),
    (
        PREDICT,
        {"signature_name": "__saved_model_init_op", "instances": [1]},
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    (PREDICT, {"instances": 1}, quoted({"instances": 1}, "Expecting 'instances' to be an list/array")),
    (PREDICT, {"instances": []}, "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
    (
        PREDICT,
        {"instances": {}, "inputs": 1},
        quoted(
            {"instances": {}, "inputs": 1},
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
    ),
    (
        PREDICT,
        {"signature_name": "two", "instances": [1]},
        "instances is a plain list, but expecting list of objects as multiple "
        "input tensors required as per tensorinfo_map",
    ),
    (
        PREDICT,
        {"signature_name": "two", "inputs": [1]},
        "inputs is a plain value/list, but expecting an object as multiple "
        "input tensors required as per tensorinfo_map",
    ),
    (PREDICT, {"instances": [{"x": [1]}, [1]]}, "Expecting object but got list at item 1 of input list"),
    (
        PREDICT,
        {"instances": [[1], {"x": [1]}]},
        "Expecting value/list but got object at item 1 of input list",
    ),
    (PREDICT, {"instances": [{"z": [1]}]}, row(0, "JSON object: does not have named input: z", "z")),
    (
        PREDICT,
        {"signature_name": "two", "instances": [{"b": 1}]},
        "Failed to process element: 0 of 'instances' list. "
        'JSON object: {\n    "b": 1\n} keys must be equal to: a,b',
    ),
    (
        PREDICT,
        {"instances": [{}]},
        "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x",
    ),
    (PREDICT, {"instances": [None]}, row(0, f"JSON Value: null Type: Null {NOT_A_FLOAT}")),
    (PREDICT, {"instances": [[True]]}, row(0, f"JSON Value: true Type: True {NOT_A_FLOAT}")),
    (
        PREDICT,
        {"instances": [{"b64": "aGk="}]},
        row(0, f'JSON Value: {{\n    "b64": "aGk="\n}} Type: Object {NOT_A_FLOAT}'),
    ),
    (PREDICT, {"instances": [[1], 2]}, row(1, "Expecting shape [1] but got: []")),
    (PREDICT, {"instances": [[1], []]}, row(1, "Expecting tensor size: 1 but got: 0")),
    (
        PREDICT,
        {"instances": [[[1], 2]]},
        row(0, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
    ),
    (PREDICT, {"inputs": [1, [2]]}, "Encountered list at unexpected level: 1 expected < 1"),
    (PREDICT, {"inputs": None}, f"JSON Value: null Type: Null {NOT_A_FLOAT}"),
    (PREDICT, {"inputs": {}}, "Missing named input: x in 'inputs' object."),
    (
        PREDICT,
        {"signature_name": "two", "instances": [{"a": [1, 2], "b": 1.0}]},
        row(0, "JSON Value: 1.0 Type: Number is not of expected type: int32", "b"),
    ),
    (
        PREDICT,
        {"signature_name": "two", "instances": [{"a": [1, 2], "b": 2**31}]},
        row(0, "JSON Value: 2147483648 Type: Number is not of expected type: int32", "b"),
    ),
    (
        PREDICT,
        {"signature_name": "echo", "instances": [1]},
        row(0, "JSON Value: 1 Type: Number is not of expected type: string"),
    ),
    (
        PREDICT,
        {"signature_name": "echo", "inputs": [{"b64": 1}]},
        'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data',
    ),
    (PREDICT, {"signature_name": "echo", "instances": [{"b64": "%"}]}, row(0, "Unable to base64 decode")),
    (
        CLASSIFY,
        {"signature_name": None},
        'JSON Value: {\n    "signature_name": null\n} '
        "not formatted correctly. 'signature_name' key must be a string value.",
    ),
    (REGRESS, {"context": [], "x": 1}, "Example must be JSON object but got JSON Array"),
    (REGRESS, {"examples": {}}, quoted({"examples": {}}, "Expecting 'examples' value to be an list/array")),
    (CLASSIFY, {"examples": []}, "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
    (CLASSIFY, {"examples": [{}, "x"]}, "Example must be JSON object but got JSON String"),
    (CLASSIFY, {"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
    (CLASSIFY, {"examples": [{"x": {"b64": 1}}]}, "Feature: x has element with unexpected JSON type: Object"),
    (CLASSIFY, {"examples": [{"x": [[]]}]}, "Feature: x has element with unexpected JSON type: Array"),
    (
        CLASSIFY,
        {"examples": [{"x": 9223372036854775808}]},
        "Feature: x has uint64_t element. Only int64_t is supported.",
    ),
    (
        CLASSIFY,
        {"examples": [{"x": ["a", True]}]},
        "Unexpected element type in feature: x expecting type: bytes",
    ),
    (CLASSIFY, {"examples": [{"x": {"b64": "="}}]}, "Unable to base64 decode"),
    (CLASSIFY, {"signature_name": "two", "examples": [{}]}, "Expected one input Tensor."),
    (REGRESS, {"signature_name": "two", "examples": [{}]}, "Expected one input Tensor."),
]


@pytest.mark.parametrize(("path", "body", "message"), BODIES)
def test_body(rest, path, body, message):
    """What a document lacks, or has too much of."""
    assert rest("POST", path, body) == (400, {"error": message})


ANSWERS = [
    ({"signature_name": "half", "inputs": [1]}, 501, "Conversion of JSON Value: 1 to type: half"),
    (
        {"signature_name": "half", "instances": [1]},
        400,
        "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of JSON Value: 1 "
        "to type: half",
    ),
    ({"signature_name": "to_half", "inputs": [1]}, 400, "Failed to write JSON value for tensor type: half"),
    ({"signature_name": "total", "instances": [1]}, 400, "Tensor name: y has no shape information "),
    (
        {"signature_name": "nothing", "instances": [1]},
        400,
        "Failed to get input map for signature: nothing",
    ),
]


@pytest.mark.parametrize(("body", "status", "message"), ANSWERS)
def test_answer(odd, body, status, message):
    """Types and shapes that a document cannot carry, in either direction."""
    assert odd("POST", "/v1/models/odd:predict", body) == (status, {"error": message})


def test_uneven_answer(odd):
    """Rows of answers need outputs of one size; columns do not. A map has no order: either is the first."""
    body = {"signature_name": "uneven", "instances": [1, 2, 3]}
    status, answer = odd("POST", "/v1/models/odd:predict", body)
    assert (status, answer["error"]) in {
        (400, "Tensor name: b has inconsistent batch size: 2 expecting: 3"),
        (400, "Tensor name: a has inconsistent batch size: 3 expecting: 2"),
    }
    body = {"signature_name": "uneven", "inputs": [1, 2, 3]}
    assert odd("POST", "/v1/models/odd:predict", body)[1] == {"outputs": {"a": [1, 2, 3], "b": [2, 3]}}
    assert odd("POST", "/v1/models/odd:predict", {"signature_name": "total", "inputs": [1, 2]}) == (
        200,
        {"outputs": 3.0},
    )
