"""Requests of tf.Examples, as JSON and as messages."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from tfdeconv.errors import InvalidRequestError, ResourceExhaustedError
from tfdeconv.serving.codec import example_input, json_examples


class TestExamples:
    def parse(self, document):
        _, examples = json_examples.parse_request(json.dumps(document).encode())
        return [tf.train.Example.FromString(example).features.feature for example in examples]

    def test_kinds_of_features(self):
        """Whole numbers and Booleans are int64, other numbers float, strings and base64 bytes."""
        (features,) = self.parse(
            {"examples": [{"i": 3, "b": [True, False], "f": [0.5], "s": ["a", {"b64": "Yg=="}], "n": []}]}
        )
        assert list(features["i"].int64_list.value) == [3]
        assert list(features["b"].int64_list.value) == [1, 0]
        assert list(features["f"].float_list.value) == [0.5]
        assert list(features["s"].bytes_list.value) == [b"a", b"b"]
        assert features["n"].WhichOneof("kind") is None

    def test_number_beyond_float32_is_infinite(self):
        """As json_tensor.cc casts it."""
        (features,) = self.parse({"examples": [{"x": [1e39, -1e39]}]})
        assert list(features["x"].float_list.value) == [float("inf"), float("-inf")]

    def test_last_of_repeated_features_counts(self):
        """json_tensor.cc overwrites the feature with each member."""
        body = b'{"examples": [{"x": 1, "x": 2}], "examples": []}'
        (example,) = json_examples.parse_request(body)[1]
        assert list(tf.train.Example.FromString(example).features.feature["x"].int64_list.value) == [2]

    def test_context_of_many_examples(self):
        """It is copied to each; where the copies would fill the memory, the request is refused."""
        body = json.dumps({"context": {"x": "a" * 100_000}, "examples": [{}] * 10_000}).encode()
        with pytest.raises(ResourceExhaustedError, match="Send fewer examples at once"):
            json_examples.parse_request(body)

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"examples": 1}, "Expecting 'examples' value to be an list/array"),
            ({"examples": []}, "'examples' value is an empty array"),
            ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
            ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
            ({"examples": [{"x": [[1]]}]}, "Feature: x has element with unexpected JSON type: Array"),
            ({"examples": [{"x": [1, 0.5]}]}, "Unexpected element type in feature: x expecting type: int64"),
            ({"examples": [{"x": [0.5, 2**63]}]}, "element type in feature: x expecting type: float"),
            ({"examples": [{"x": [1, {"b64": "%"}]}]}, "element type in feature: x expecting type: int64"),
            ({"examples": [{"x": {"b64": "%"}}]}, "Unable to base64 decode"),
            ({"examples": [{"x": {"b64": "aGk=", "y": 1}}]}, "element with unexpected JSON type: Object"),
            ({"context": None, "examples": [{}]}, "Example must be JSON object but got JSON Null"),
            ({"signature_name": None}, "'signature_name' key must be a string value."),
            ({"examples": [{"x": 2**63}]}, "Feature: x has uint64_t element. Only int64_t is supported."),
        ],
    )
    def test_errors(self, document, message):
        """Each refusal in TensorFlow Serving's words."""
        with pytest.raises(InvalidRequestError) as caught:
            self.parse(document)
        assert message in str(caught.value)

    def test_context_is_one_example_with_the_bytes_in_front(self):
        """The merged bytes parse as one message in which the example's own features win."""
        message = input_pb2.Input()
        listing = message.example_list_with_context
        listing.context.features.feature["x"].float_list.value.append(1)
        listing.context.features.feature["y"].float_list.value.append(2)
        listing.examples.add().features.feature["x"].float_list.value.append(3)
        (merged,) = example_input.serialized_examples(message.SerializeToString())
        features = tf.train.Example.FromString(merged).features.feature
        assert (features["x"].float_list.value[0], features["y"].float_list.value[0]) == (3, 2)
