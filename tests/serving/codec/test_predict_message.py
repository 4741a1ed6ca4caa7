"""The bytes of PredictRequest and PredictResponse, with the official messages as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import predict_message, wire_format
from tfdeconv.serving.model_spec import ModelSpec


class TestWire:
    @pytest.mark.parametrize(
        "data", [b"\x80", b"\x0a\x05ab", b"\x0b", b"\x00\x01", b"\x09\x01", b"\x80" * 11]
    )
    def test_malformed(self, data):
        """Cut-off numbers and fields, groups and field 0 are errors."""
        with pytest.raises(wire_format.MalformedMessageError):
            list(wire_format.fields(memoryview(data)))

    @given(st.integers(0, 2**64 - 1))
    def test_numbers(self, value):
        """Any 64-bit number comes back, with the position behind it."""
        data = wire_format.varint(value)
        assert wire_format.read_varint(memoryview(data + b"x"), 0) == (value, len(data))


class TestPredictMessage:
    def test_request(self):
        """Spec, inputs and filter of an official message."""
        request = predict_pb2.PredictRequest(output_filter=["y", "z"])
        request.model_spec.name = "m"
        request.model_spec.version.value = 0
        request.model_spec.signature_name = "s"
        request.inputs["a"].CopyFrom(tf.make_tensor_proto(np.float32([1])))
        request.inputs["ü"].CopyFrom(tf.make_tensor_proto([b"x"]))
        call = predict_message.parse_request(request.SerializeToString())
        assert call.spec == ModelSpec("m", 0, None, "s")
        assert call.output_filter == ("y", "z")
        assert {name: call.inputs[name].tolist() for name in sorted(call.inputs)} == {"a": [1], "ü": [b"x"]}

    def test_label_and_missing_spec(self):
        """A label stands in place of a version; a missing spec is None."""
        request = predict_pb2.PredictRequest()
        assert predict_message.parse_request(request.SerializeToString()).spec is None
        request.model_spec.version_label = "stable"
        spec = predict_message.parse_request(request.SerializeToString()).spec
        assert spec == ModelSpec("", None, "stable")

    def test_response_is_the_official_message(self):
        """The hand-written bytes parse, with every output and the spec."""
        outputs = {"y": np.float32([[1, 2]]), "label": np.array([b"x"], object)}
        answer = predict_pb2.PredictResponse.FromString(
            predict_message.build_response(ModelSpec("m", 3, signature_name="s"), outputs)
        )
        assert list(answer.outputs["y"].float_val) == [1, 2]
        assert list(answer.outputs["label"].string_val) == [b"x"]
        assert answer.model_spec.version.value == 3
        assert (answer.model_spec.name, answer.model_spec.signature_name) == ("m", "s")

    @given(st.binary(max_size=80))
    def test_random_bytes(self, data):
        """Any bytes are a call or an InvalidRequestError, also when the tensors are looked at."""
        try:
            call = predict_message.parse_request(data)
            for name in call.inputs:
                call.inputs[name]
        except InvalidRequestError:
            pass
