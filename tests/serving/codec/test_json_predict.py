"""The documents that ask for a prediction and answer it, by rows and by columns."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_STRING

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_answer, json_predict


class TestJsonPredict:
    TYPES = {"a": DT_FLOAT, "b": DT_STRING}  # noqa: RUF012

    def parse(self, document, types=None):
        request = json_predict.parse_request(json.dumps(document).encode())
        return request.row_form, request.inputs(types or self.TYPES)

    def test_named_rows_become_columns(self):
        """Each input stacks its rows."""
        rows = [{"a": [1, 2], "b": "x"}, {"a": [3, 4], "b": {"b64": "eQ=="}}]
        row_form, inputs = self.parse({"instances": rows})
        assert inputs["a"].tolist() == [[1, 2], [3, 4]]
        assert inputs["b"].tolist() == [b"x", b"y"]
        assert row_form

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"instances": []}, "No values in 'instances' array"),
            ({"instances": 1}, "Expecting 'instances' to be an list/array"),
            ({"signature_name": 1, "instances": [1]}, "'signature_name' key must be a string value."),
            ({"instances": [1]}, "instances is a plain list, but expecting list of objects as multiple"),
            ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object as multiple"),
            (
                {"instances": [{"a": 1, "b": "x"}, 2]},
                "Expecting object but got list at item 1 of input list",
            ),
            (
                {"instances": [{"a": 1}]},
                "element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b",
            ),
            (
                {"instances": [{"a": 1, "b": "x", "c": 1}]},
                "element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have "
                "named input: c",
            ),
        ],
    )
    def test_errors(self, document, message):
        """Each refusal in TensorFlow Serving's words."""
        with pytest.raises(InvalidRequestError) as caught:
            self.parse(document)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (
                1,
                r"Failed to process element: 5 of .* JSON Value: 1 Type: Number is not of .* string",
            ),
            (["x"], r"Failed to process element: 5 of .* Expecting shape \[\] but got: \[1\]"),
            (["x", "y"], r"Failed to process element: 5 of .* Expecting tensor size: 1 but got: 2"),
        ],
    )
    @pytest.mark.parametrize("named", [False, True])
    def test_a_late_row_that_is_not_like_the_first(self, monkeypatch, row, message, named):
        """Rows are read some at a time; the first of all sets the shape, for strings as well."""
        monkeypatch.setattr(json_predict, "_ROWS_AT_ONCE", 2)
        rows = ["a", "b", "c", "d", "e", row]
        if named:
            rows = [{"b": value} for value in rows]
            message = message.replace("5 of", "5 key: b of")
        with pytest.raises(InvalidRequestError, match=message):
            self.parse({"instances": rows}, {"b": DT_STRING})

    def test_plain_list_does_not_take_objects(self):
        """A mix of values and objects names the odd one."""
        with pytest.raises(InvalidRequestError, match="Expecting value/list but got object at item 1"):
            self.parse({"instances": [1, {"a": 2}]}, {"a": DT_FLOAT})

    @pytest.mark.parametrize(
        ("outputs", "row_form", "wanted"),
        [
            ({"y": np.float32([1, 0.2, 3e-5])}, True, {"predictions": [1.0, 0.2, 3e-05]}),
            ({"y": np.float32(2)}, False, {"outputs": 2.0}),
            (
                {"y": np.float32([[0.1]]).T[0], "z": np.float32([0.1])},
                True,
                {"predictions": [{"y": 0.1, "z": 0.1}]},
            ),
            ({"y": np.float32([[1, 2], [3, 4]]).T}, False, {"outputs": [[1.0, 3.0], [2.0, 4.0]]}),
            ({"a": np.int32([1]), "b": np.array([True])}, True, {"predictions": [{"a": 1, "b": True}]}),
            ({"a": np.int32([1]), "b": np.uint8([2])}, False, {"outputs": {"a": [1], "b": [2]}}),
            ({"y_bytes": np.array([b"\xff"], object)}, True, {"predictions": [{"b64": "/w=="}]}),
            ({"y": np.array(["x"], object)}, False, {"outputs": ["x"]}),
            ({"y": np.zeros((0, 2), np.float32)}, False, {"outputs": []}),
        ],
    )
    def test_answers(self, outputs, row_form, wanted):
        """A single output is unwrapped; several are objects; bytes are base64."""
        assert json.loads(json_answer.build_response(outputs, row_form=row_form)) == wanted

    def test_numbers_are_written_as_tensorflow_serving_writes_them(self):
        """Whole floats keep their point, float32 its own digits, NaN and Infinity their names."""
        text = json_answer.build_response({"y": np.float32([1, 0.1])}, row_form=True)
        assert text == b'{"predictions":[1.0,0.1]}'
        text = json_answer.build_response({"y": np.float32([np.nan, -np.inf, 0.1])}, row_form=True)
        assert text == b'{"predictions":[NaN,-Infinity,0.1]}'

    @pytest.mark.parametrize(
        ("outputs", "message"),
        [
            ({}, "Cannot convert empty tensor map to JSON"),
            ({"y": np.float32(1)}, "Tensor name: y has no shape information "),
            (
                {"a": np.zeros(1), "b": np.zeros(2)},
                "Tensor name: b has inconsistent batch size: 2 expecting: 1",
            ),
        ],
    )
    def test_rows_that_cannot_be_written(self, outputs, message):
        """Outputs without a common first size have no row form."""
        with pytest.raises(InvalidRequestError) as caught:
            json_answer.build_response(outputs, row_form=True)
        assert str(caught.value) == message

    @given(st.text(max_size=40))
    def test_random_text(self, text):
        """Any text is a request or an InvalidRequestError."""
        with pytest.raises(InvalidRequestError):
            json_predict.parse_request(text.encode("utf-8", "surrogatepass")).inputs({"x": DT_FLOAT})
