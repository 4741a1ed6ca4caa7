"""The server as its clients see it: official stubs over gRPC, plain HTTP over REST."""

from __future__ import annotations

import socket

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from tfdeconv.errors import DeadlineExceededError, InvalidArgumentError, ServingError
from tfdeconv.serving import Server


def request_of(inputs, *, name="toy", signature="", version=None, label=None, output_filter=()):
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


class TestPredict:
    def test_grpc_answers_with_typed_field_and_resolved_spec(self, stubs):
        """The answer fills ``float_val`` and names the version and signature that ran."""
        answer = stubs.prediction.Predict(request_of({"x": np.float32([[1, 2]])}))
        assert list(answer.outputs["y"].float_val) == [3.0, 6.0]
        assert not answer.outputs["y"].tensor_content
        assert answer.model_spec.version.value == 2
        assert answer.model_spec.signature_name == "serving_default"

    def test_explicit_version_is_not_available_under_latest_policy(self, stubs):
        """The default policy serves the newest version alone."""
        import grpc

        with pytest.raises(grpc.RpcError) as caught:
            stubs.prediction.Predict(request_of({"x": np.float32([[1]])}, version=1))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert caught.value.details() == "Servable not found for request: Specific(toy, 1)"

    def test_several_inputs_outputs_and_filter(self, stubs):
        """Inputs and outputs go by alias, and the filter picks among the outputs."""
        inputs = {"a": np.float32([[1, 2], [3, 4]]), "b": np.int32([5, 6])}
        answer = stubs.prediction.Predict(request_of(inputs, signature="two"))
        assert sorted(answer.outputs) == ["next", "sum"]
        np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["next"]), [6, 7])
        filtered = stubs.prediction.Predict(request_of(inputs, signature="two", output_filter=["sum"]))
        assert list(filtered.outputs) == ["sum"]

    def test_strings_keep_every_byte(self, stubs):
        """A string may hold zero bytes and is no text."""
        text = [b"a\0", b"\xff\0\0"]
        answer = stubs.prediction.Predict(request_of({"text": text}, signature="echo"))
        assert list(answer.outputs["text"].string_val) == text

    def test_large_image_passes_the_default_message_limit(self, stubs, rng):
        """Messages far above gRPC's default limit of 4 MB pass."""
        image = rng.random((1, 800, 800, 3), np.float32)
        answer = stubs.prediction.Predict(request_of({"image": image}, signature="blur"))
        assert tf.make_ndarray(answer.outputs["image"]).shape == image.shape

    def test_rest_row_and_column_form(self, rest):
        """Rows answer with ``predictions``, columns with ``outputs``; both unwrap a single tensor."""
        assert rest("POST", "/v1/models/toy:predict", {"instances": [[1, 2], [3, 4]]}) == (
            200,
            {"predictions": [[3.0, 6.0], [9.0, 12.0]]},
        )
        assert rest("POST", "/v1/models/toy:predict", {"inputs": {"x": [[1, 2]]}}) == (
            200,
            {"outputs": [[3.0, 6.0]]},
        )

    def test_rest_several_inputs_in_rows(self, rest):
        """Each row is an object of all inputs, and each prediction one of all outputs."""
        rows = [{"a": [1, 2], "b": 5}, {"a": [3, 4], "b": 6}]
        body = {"signature_name": "two", "instances": rows}
        assert rest("POST", "/v1/models/toy:predict", body) == (
            200,
            {"predictions": [{"next": 6, "sum": 3.0}, {"next": 7, "sum": 7.0}]},
        )

    def test_rest_bytes_come_back_as_base64_where_the_name_says_so(self, rest):
        """``b64`` objects are decoded, and outputs whose names end in ``_bytes`` are encoded."""
        body = {"signature_name": "echo", "instances": [{"b64": "aGk="}]}
        _, answer = rest("POST", "/v1/models/toy:predict", body)
        assert answer["predictions"] == [{"length": 2, "text": "hi", "text_bytes": {"b64": "aGk="}}]

    def test_path_is_matched_without_case(self, rest):
        """TensorFlow Serving's patterns ignore case; the model's name does not."""
        assert rest("POST", "/V1/Models/toy:PREDICT", {"instances": [[1]]})[0] == 200
        assert rest("POST", "/v1/models/Toy:predict", {"instances": [[1]]})[0] == 404


class TestMetadataAndStatus:
    def test_grpc_metadata_holds_the_signatures(self, stubs):
        """The map unpacks with the official message and has the exported signatures."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "toy"
        answer = stubs.prediction.GetModelMetadata(request)
        table = get_model_metadata_pb2.SignatureDefMap()
        assert answer.metadata["signature_def"].Unpack(table)
        assert set(table.signature_def["two"].inputs) == {"a", "b"}
        assert answer.model_spec.version.value == 2

    def test_rest_metadata_has_proto_names_and_absent_fields(self, rest):
        """Field names are the messages' own, and fields at their default are printed."""
        status, answer = rest("GET", "/v1/models/toy/metadata")
        assert status == 200
        assert answer["model_spec"] == {"name": "toy", "signature_name": "", "version": "2"}
        signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
        assert signature["inputs"]["x"]["tensor_shape"]["unknown_rank"] is False

    def test_status_of_available_version(self, stubs, rest):
        """Both protocols report the version as available, without an error."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "toy"
        (entry,) = stubs.model.GetModelStatus(request).model_version_status
        assert entry.version == 2
        assert entry.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
        assert rest("GET", "/v1/models/toy") == (
            200,
            {
                "model_version_status": [
                    {
                        "version": "2",
                        "state": "AVAILABLE",
                        "status": {"error_code": "OK", "error_message": ""},
                    }
                ]
            },
        )


class TestStarting:
    def test_port_in_use_names_the_port(self, toy_folder):
        """A taken port is an error that says which, before any model loads."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for name in ("grpc_port", "rest_port"):
                with (
                    pytest.raises(ServingError, match=rf"127\.0\.0\.1:{port}: Address already in use"),
                    Server(model_base_path=toy_folder, **{name: port}),
                ):
                    pass

    def test_model_that_cannot_be_loaded_ends_the_start(self, tmp_path):
        """A version folder that is no SavedModel fails with TensorFlow Serving's sentence."""
        (tmp_path / "1").mkdir()
        with (
            pytest.raises(
                ServingError,
                match=r"1 servable\(s\) did not become available: "
                r"\{\{name: m version: 1\} due to error: NOT_FOUND: Could not find SavedModel .*\}, \}",
            ),
            Server(model_base_path=tmp_path, model_name="m", max_num_load_retries=0),
        ):
            pass

    def test_empty_folder_times_out_with_the_reason(self, tmp_path):
        """A folder without version folders is waited for, up to ``start_timeout``."""
        (tmp_path / "notes").mkdir()
        with (
            pytest.raises(DeadlineExceededError, match=r"'m' \(base path .*: no version folder such as '1'"),
            Server(model_base_path=tmp_path, model_name="m", start_timeout=0.2),
        ):
            pass

    def test_no_model_and_no_port_are_refused(self, toy_folder):
        """Options that cannot serve anything are refused at construction."""
        with pytest.raises(InvalidArgumentError, match=r"model_base_path and .* are empty!"):
            Server()
        with pytest.raises(InvalidArgumentError, match="open at least one"):
            Server(model_base_path=toy_folder, grpc_port=None, rest_port=None)

    def test_either_port_may_be_off(self, toy_folder):
        """None opens no port, and the other protocol works alone."""
        with Server(model_base_path=toy_folder, rest_port=None) as running:
            assert running.rest_port is None
            assert running.grpc_port
