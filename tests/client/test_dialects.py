"""Requests as bytes, and answers from bytes: paths, versions, labels, defaults, odd documents."""

import json

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from tfdeconv import errors
from tfdeconv.client import Metadata, Signature, TensorSpec, VersionStatus
from tfdeconv.client.grpc.dialect import GrpcDialect
from tfdeconv.client.rest import json_bytes
from tfdeconv.client.rest.dialect import RestDialect
from tfdeconv.client.values.examples import read_example
from tfdeconv.client.values.inputs import bind
from tfdeconv.client.values.results import ModelRef

SIGNATURE = Signature(
    {"x": TensorSpec("float32", (None,))},
    {"y": TensorSpec("float32", (None, 4)), "s": TensorSpec("string", (None,))},
)
REFS = [
    (ModelRef("a/b c"), "/v1/models/a%2Fb%20c"),
    (ModelRef("m", version=0), "/v1/models/m/versions/0"),
    (ModelRef("m", label="a/b"), "/v1/models/m/labels/a%2Fb"),
]


@pytest.mark.parametrize(("ref", "path"), REFS)
def test_rest_paths(ref: ModelRef, path: str) -> None:
    """Names and labels are quoted; the version 0 is a version."""
    rest = RestDialect()
    assert rest.status(ref).path == path
    assert rest.metadata(ref).path == f"{path}/metadata"
    assert rest.predict(ref, "s", SIGNATURE, {}, []).path == f"{path}:predict"
    assert rest.classify(ref, "s", [], None).path == f"{path}:classify"
    assert rest.regress(ref, "s", [], None).path == f"{path}:regress"


@pytest.mark.parametrize(("ref", "_"), REFS)
def test_grpc_model_specs(ref: ModelRef, _: str) -> None:
    """Name, version and label arrive in every request."""
    grpc = GrpcDialect()
    for call, message in [
        (grpc.predict(ref, "s", SIGNATURE, {}, []), predict_pb2.PredictRequest),
        (grpc.classify(ref, "s", [], None), classification_pb2.ClassificationRequest),
        (grpc.regress(ref, "s", [], None), regression_pb2.RegressionRequest),
        (grpc.metadata(ref), get_model_metadata_pb2.GetModelMetadataRequest),
        (grpc.status(ref), get_model_status_pb2.GetModelStatusRequest),
    ]:
        spec = message.FromString(call.body).model_spec
        assert spec.name == ref.name
        assert spec.WhichOneof("version_choice") == (
            "version" if ref.version is not None else "version_label" if ref.label else None
        )
        assert spec.version.value == (ref.version or 0)
        assert spec.version_label == (ref.label or "")


def test_rest_predict_uses_the_column_form() -> None:
    """Inputs by name, though there be one; bytes in base64."""
    call = RestDialect().predict(ModelRef("m"), "s", SIGNATURE, {"x": np.array([b"\xff", b""], object)}, [])
    assert json.loads(call.body) == {
        "signature_name": "s",
        "inputs": {"x": [{"b64": "/w=="}, {"b64": ""}]},
    }


def test_grpc_filters_outputs_only_where_some_are_left_out() -> None:
    """An empty filter means all."""
    for outputs, filtered in [(["y", "s"], []), (["y"], ["y"])]:
        call = GrpcDialect().predict(ModelRef("m"), "s", SIGNATURE, {}, outputs)
        assert list(predict_pb2.PredictRequest.FromString(call.body).output_filter) == filtered


def test_messages_stay_below_two_gibibytes() -> None:
    """What protocol buffers cannot carry is told before memory is filled; a view costs nothing here."""
    huge = np.broadcast_to(np.float32(0), (2**29,))
    with pytest.raises(errors.InvalidRequestError, match=r"hold 2,147,483,648 bytes; .* smaller batches"):
        GrpcDialect().predict(ModelRef("m"), "s", SIGNATURE, {"x": huge}, [])


def read_rest(document: str | bytes) -> dict[str, np.ndarray]:
    """Read an answer to predict."""
    body = document if isinstance(document, bytes) else document.encode()
    return RestDialect().predict(ModelRef("m"), "s", SIGNATURE, {}, ["y", "s"]).read(body)


def test_rest_reads_empty_arrays() -> None:
    """JSON does not tell what is behind an empty axis; the signature does."""
    outputs = read_rest('{"outputs": {"y": [], "s": []}}')
    assert_array_equal(outputs["y"], np.empty((0, 4), np.float32), strict=True)
    assert_array_equal(outputs["s"], np.empty(0, object), strict=True)


def test_rest_reads_strings_that_are_not_text() -> None:
    """TensorFlow Serving puts them into its JSON as they are."""
    outputs = read_rest(b'{"outputs": {"y": [[1, 2, 3, 4]], "s": ["\xff\\n", {"b64": "AAE="}]}}')
    assert outputs["s"].tolist() == [b"\xff\n", b"\0\1"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"outputs": {"y": [[1]]}}', "KeyError: 's'"),
        ('{"outputs": {"y": [[1, 2], [3]], "s": []}}', "ValueError: rows of different lengths"),
        ('{"outputs": {"y": [[1], 2], "s": []}}', "TypeError"),
        ('{"outputs": {"y": [[1], ["a"]], "s": []}}', "ValueError"),
        ('{"outputs": {"y": [[1]], "s": [1]}}', "TypeError: expected a string, got int"),
        ('{"outputs": {"y": [[1]], "s": [{"b64": "?"}]}}', "ValueError: bad base64"),
        ('{"outputs": {"y": [[1]], "s": [{"a": "b"}]}}', "KeyError: 'b64'"),
    ],
)
def test_rest_answers_that_cannot_be_read(document: str, message: str) -> None:
    """The path, what is wrong, and how the document begins."""
    with pytest.raises(errors.InternalError, match=rf"/v1/models/m:predict is not the document.*{message}"):
        read_rest(document)


def test_grpc_answers_that_cannot_be_read() -> None:
    """Bytes that are no message."""
    call = GrpcDialect().status(ModelRef("m"))
    with pytest.raises(errors.InternalError, match="GetModelStatus is not the message it should be"):
        call.read(b"\xff\xff")


def official_metadata() -> get_model_metadata_pb2.GetModelMetadataResponse:
    """A signature with a default, a free rank, a scalar and a type that has no arrays."""
    definitions = get_model_metadata_pb2.SignatureDefMap()
    definition = definitions.signature_def["serving_default"]
    definition.inputs["x"].dtype = tf.float32.as_datatype_enum
    definition.inputs["x"].tensor_shape.unknown_rank = True
    definition.inputs["scale"].dtype = tf.bfloat16.as_datatype_enum
    definition.defaults["scale"].CopyFrom(tf.make_tensor_proto(1.0))
    definition.outputs["handle"].dtype = tf.resource.as_datatype_enum
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = "m"
    response.model_spec.version.value = 7
    response.metadata["signature_def"].Pack(definitions)
    return response


def rest_metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> bytes:
    """The same in the words of REST."""
    return json.dumps(
        {
            "model_spec": {"name": "m", "signature_name": "", "version": "7"},
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        "serving_default": {
                            "inputs": {
                                "x": {
                                    "dtype": "DT_FLOAT",
                                    "tensor_shape": {"dim": [], "unknown_rank": True},
                                    "name": "",
                                },
                                "scale": {
                                    "dtype": "DT_BFLOAT16",
                                    "tensor_shape": {"dim": [], "unknown_rank": False},
                                    "name": "",
                                },
                            },
                            "outputs": {
                                "handle": {
                                    "dtype": "DT_RESOURCE",
                                    "tensor_shape": {"dim": [], "unknown_rank": False},
                                    "name": "",
                                }
                            },
                            "method_name": "",
                            "defaults": {"scale": {}},
                        }
                    }
                }
            },
        }
    ).encode()


def test_metadata_with_defaults_and_free_ranks() -> None:
    """The same over both protocols."""
    official = official_metadata()
    over_grpc = GrpcDialect().metadata(ModelRef("m")).read(official.SerializeToString())
    over_rest = RestDialect().metadata(ModelRef("m")).read(rest_metadata(official))
    assert over_grpc == over_rest
    signature = over_grpc.signature("serving_default")
    assert str(signature) == "(scale: bfloat16 [] (optional), x: float32 [...]) -> (handle: resource [])"
    assert list(bind([1], "serving_default", signature)) == ["x"]
    assert list(bind({"x": 1, "scale": 2}, "serving_default", signature)) == ["x", "scale"]


def test_a_model_without_signatures() -> None:
    """Says so."""
    with pytest.raises(errors.FailedPreconditionError, match=r"has no signature 's'; it has: none\."):
        Metadata("m", 1, {}).signature("s")


def test_states_and_codes_from_the_future() -> None:
    """Numbers that this client does not know are UNKNOWN."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for state in (0, 10, 20, 30, 40, 50):
        response.model_version_status.add(version=state, state=state)
    response.model_version_status[0].status.error_code = 14
    states = GrpcDialect().status(ModelRef("m")).read(response.SerializeToString())
    assert states[0] == VersionStatus(0, "UNKNOWN", "UNAVAILABLE", "")
    assert [one.state for one in states[1:]] == ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]


def test_examples_as_tf_examples() -> None:
    """TensorFlow reads the features and the context."""
    example = read_example({"a": [1, 2], "b": 0.5, "c": b"x"})
    call = GrpcDialect().classify(ModelRef("m"), "s", [example], read_example({"d": 4}))
    holder = classification_pb2.ClassificationRequest.FromString(call.body).input.example_list_with_context
    parsed = tf.io.parse_single_example(
        holder.examples[0].SerializeToString(),
        {
            "a": tf.io.FixedLenFeature([2], tf.int64),
            "b": tf.io.FixedLenFeature([], tf.float32),
            "c": tf.io.FixedLenFeature([], tf.string),
        },
    )
    assert (parsed["a"].numpy().tolist(), parsed["b"].numpy(), parsed["c"].numpy()) == ([1, 2], 0.5, b"x")
    assert holder.context.features.feature["d"].int64_list.value == [4]


DOCUMENTS = [
    {"x": np.array([[0.1, 2]], np.float32)},
    {"x": np.array(3)},
    {"x": [np.nan, -np.inf, 1.0]},
    {"x": [{"b64": "AA=="}], "y": "é"},
    {"x": np.zeros((2, 4), np.int64)[:, ::2]},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
@pytest.mark.parametrize("fast", [True, False], ids=["orjson", "json"])
def test_json_is_the_same_with_and_without_orjson(
    document: dict[str, object], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both write what both read: arrays of any layout, not-a-number, text."""
    if not fast:
        monkeypatch.setattr(json_bytes, "orjson", None)
    written = json_bytes.dumps(document)
    for reader in (json.loads, json_bytes.loads):
        read = reader(written)
        for key, value in document.items():
            if isinstance(value, str) or isinstance(value[()] if hasattr(value, "ndim") else value[0], dict):
                assert read[key] == value
            else:
                dtype = getattr(value, "dtype", np.float64)
                assert_array_equal(np.array(read[key], dtype), np.asarray(value))
