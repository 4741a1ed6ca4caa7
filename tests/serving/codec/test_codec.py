"""The codec: pure tables of bytes, JSON and arrays, with the official messages as the oracle."""

from __future__ import annotations

import base64
import json

import hypothesis.extra.numpy as hnp
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import input_pb2, predict_pb2

from tfdeconv.errors import InvalidRequestError, ResourceExhaustedError, TfdeconvError, UnimplementedError
from tfdeconv.serving.codec import (
    example_input,
    json_answer,
    json_document,
    json_examples,
    json_predict,
    json_tensor,
    predict_message,
    tensor_proto,
    wire_format,
)
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.wire import dtypes

FLOAT, DOUBLE, INT32, UINT8, STRING, INT64, BOOL = 1, 2, 3, 4, 7, 9, 10
ARRAYS = [
    np.float32([[1, -2.5], [np.inf, 0]]),
    np.float64([1e300, -0.0]),
    np.arange(-3, 3, dtype=np.int32),
    np.array([[0, 255]], np.uint8),
    np.array([-128, 127], np.int8),
    np.array([-(2**15)], np.int16),
    np.array([2**16 - 1], np.uint16),
    np.array([-(2**63)], np.int64),
    np.array([2**32 - 1], np.uint32),
    np.array([2**64 - 1], np.uint64),
    np.array([True, False]),
    np.float16([0.5, -1]),
    np.array([0.5, -1], ml_dtypes.bfloat16),
    np.array([0.5, -1], ml_dtypes.float8_e4m3fn),
    np.array([-8, 7], ml_dtypes.int4),
    np.array([0, 15], ml_dtypes.uint4),
    np.complex64([1 + 2j]),
    np.complex128([1 - 2j]),
    np.array([b"a\0", b"", b"\xff"], object),
    np.float32(3),
    np.zeros((0, 3), np.float32),
]


class TestTensorProto:
    @pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
    @pytest.mark.parametrize("as_content", [False, True])
    def test_round_trip_and_official_reading(self, array, as_content):
        """What is written, TensorFlow reads; what TensorFlow writes, is read."""
        array = np.asarray(array)
        encoded = tensor_proto.encode(array, as_content=as_content)
        message = tensor_pb2.TensorProto.FromString(encoded)
        assert message.dtype == dtypes.enum_of(array.dtype)
        np.testing.assert_array_equal(tf.make_ndarray(message).astype(array.dtype), array)
        for data in (encoded, tf.make_tensor_proto(array).SerializeToString()):
            decoded = tensor_proto.decode(data)
            assert (decoded.dtype, decoded.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(decoded, array)

    @pytest.mark.parametrize("array", [array for array in ARRAYS if np.asarray(array).size])
    def test_typed_field_is_filled_by_default(self, array):
        """Clients of TensorFlow Serving read float_val and its siblings."""
        message = tensor_pb2.TensorProto.FromString(tensor_proto.encode(np.asarray(array)))
        assert not message.tensor_content

    def test_last_value_repeats_and_surplus_is_ignored(self):
        """A typed field may be shorter or longer than the shape; an empty one means zeros."""
        message = tensor_pb2.TensorProto(dtype=FLOAT, float_val=[1, 2])
        message.tensor_shape.dim.add(size=4)
        assert tensor_proto.from_message(message).tolist() == [1, 2, 2, 2]
        message.tensor_shape.dim[0].size = 1
        assert tensor_proto.from_message(message).tolist() == [1]
        del message.float_val[:]
        assert tensor_proto.decode(message.SerializeToString()).tolist() == [0]

    def test_strings_in_tensor_content(self):
        """Lengths first, then bytes, as TensorFlow encodes them."""
        message = tensor_pb2.TensorProto(dtype=STRING, tensor_content=b"\x01\x02abc")
        message.tensor_shape.dim.add(size=2)
        assert tensor_proto.from_message(message).tolist() == [b"a", b"bc"]

    @pytest.mark.parametrize(
        "fields",
        [
            {"dtype": FLOAT, "sizes": [2], "tensor_content": b"123"},
            {"dtype": FLOAT, "sizes": [-1], "float_val": [1]},
            {"dtype": FLOAT, "sizes": [1 << 40, 1 << 40], "float_val": [1]},
            {"dtype": FLOAT, "sizes": [1 << 32], "float_val": [1]},
            {"dtype": 0, "sizes": [1]},
            {"dtype": 999, "sizes": [1]},
            {"dtype": types_pb2.DT_FLOAT_REF, "sizes": [1], "float_val": [1]},
            {"dtype": types_pb2.DT_RESOURCE, "sizes": [1]},
            {"dtype": types_pb2.DT_VARIANT, "sizes": []},
            {"dtype": FLOAT, "sizes": [1] * 65, "float_val": [1]},
            {"dtype": STRING, "sizes": [3], "tensor_content": b"\x01a"},
            {"dtype": STRING, "sizes": [1], "tensor_content": b"\x09a"},
        ],
    )
    def test_broken_tensors(self, fields):
        """Contradictions, negative and huge sizes, and types without values are refused at once."""
        message = tensor_pb2.TensorProto(**{key: fields[key] for key in fields if key != "sizes"})
        for size in fields["sizes"]:
            message.tensor_shape.dim.add(size=size)
        with pytest.raises(tensor_proto.TensorParsingError):
            tensor_proto.decode(message.SerializeToString())

    def test_unknown_rank(self):
        """A shape without a rank is no tensor's."""
        message = tensor_pb2.TensorProto(dtype=FLOAT, float_val=[1])
        message.tensor_shape.unknown_rank = True
        with pytest.raises(tensor_proto.TensorParsingError):
            tensor_proto.decode(message.SerializeToString())

    @given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
    def test_any_float_array(self, array):
        """Every shape and bit pattern survives."""
        assert tensor_proto.decode(tensor_proto.encode(array)).tobytes() == array.tobytes()

    @given(st.binary(max_size=60))
    def test_random_bytes(self, data):
        """Bytes are an array or a parsing error, nothing else."""
        try:
            array = tensor_proto.decode(data)
        except tensor_proto.TensorParsingError:
            return
        assert array.nbytes <= tensor_proto.MAX_FILLED_BYTES


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


class TestJsonDocument:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "JSON Parse error: The document is empty"),
            (b"x", "JSON Parse error: Invalid value. at offset: 0"),
            (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
            (b'{"a": 1 "b"}', "Missing a comma or '}' after an object member. at offset: 8"),
            (b'{"a": [1 2]}', "Missing a comma or ']' after an array element. at offset: 9"),
            (b'{"a": "x', "Missing a closing quotation mark in string."),
            (b"{1: 2}", "Missing a name for object member. at offset: 1"),
            ('{"ü": x}'.encode(), "Invalid value. at offset: 7"),
            (b"[" * 100_000, "JSON Parse error: "),
            (b'{"a": ' + b"[" * 2000, "JSON Parse error: "),
            (b"[1]", "Is not object"),
            (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid."),
            (b'{"a": "\\ud800\\n"}', "The surrogate pair in string is invalid."),
            (b'{"a": "\\udc00"}', "The surrogate pair in string is invalid. at offset: 7"),
            (b"\xff\xfe", "JSON Parse error: "),
        ],
    )
    def test_errors(self, body, message):
        """RapidJSON's words, with offsets in bytes."""
        with pytest.raises(InvalidRequestError) as caught:
            json_document.parse(body)
        assert message in str(caught.value)

    def test_pairs_are_read_in_lenient_documents_too(self):
        """A whole pair is one character; an escaped backslash starts no escape."""
        document = json_document.parse(b'{"a": "\\ud83d\\ude00\\\\ud800"} trailing')
        assert document == {"a": "\U0001f600\\ud800"}

    def test_lenient_reading(self):
        """NaN and Infinity are numbers, and what follows the document is ignored."""
        document = json_document.parse(b' {"a": [NaN, -Infinity]} {"more": 1}')
        assert np.isnan(document["a"][0])
        assert document["a"][1] == -np.inf

    def test_inf(self):
        """RapidJSON reads Inf and -NaN as well, outside strings; offsets of errors are those of the text."""
        document = json_document.parse(b'{"Inf": [Inf, -Inf, -NaN, Infinity, "Inf"]}')
        assert repr(document["Inf"]) == "[inf, -inf, nan, inf, 'Inf']"
        with pytest.raises(InvalidRequestError, match=r"Missing a comma or '\]' .* at offset: 11$"):
            json_document.parse(b'{"a": [Inf 1]}')

    def test_first_of_repeated_names(self):
        """A look-up in RapidJSON finds the first member of a name, on every level."""
        body = b'{"inputs": {"x": 1, "x": 2, "s": "y\\":"}, "inputs": 3, "a": [{"b": 1, "b": 2}]}'
        document = json_document.parse(body)
        assert document == {"inputs": {"x": 1, "s": 'y":'}, "a": [{"b": 1}]}

    def test_error_far_from_its_bracket(self):
        """Which container is open is found without a look at each character before."""
        body = b'{"a": [%b 1' % (b"[1, 2], " * 200_000)
        with pytest.raises(InvalidRequestError, match="Missing a comma or ']' after an array element"):
            json_document.parse(body + b" 1")

    @pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"9" * 400 + b".0"])
    def test_number_beyond_a_double(self, number):
        """It is an error; an infinity has to be asked for by name."""
        with pytest.raises(InvalidRequestError, match="Parse error: Number too big to be stored in double"):
            json_document.parse(b'{"instances": [' + number + b"]}")
        assert json_document.parse(b'{"a": [1e308, NaN]}')["a"][0] == 1e308


class TestJsonTensor:
    @pytest.mark.parametrize(
        ("value", "dtype", "wanted"),
        [
            (1, FLOAT, np.float32(1)),
            ([[1, 2.5]], FLOAT, np.float32([[1, 2.5]])),
            ([float("nan"), float("inf")], FLOAT, np.float32([np.nan, np.inf])),
            ([1e300], DOUBLE, np.float64([1e300])),
            ([300, -1], UINT8, np.uint8([44, 255])),
            ([2**24 + 2, 1e39, -(10**400)], FLOAT, np.float32([2**24 + 2, np.inf, -np.inf])),
            ([2**62], INT64, np.int64([2**62])),
            ([True, False], BOOL, np.array([True, False])),
            (["a", {"b64": "/w=="}], STRING, np.array([b"a", b"\xff"], object)),
            ([[], []], FLOAT, np.zeros((2, 0), np.float32)),
            ([], INT32, np.zeros(0, np.int32)),
        ],
    )
    def test_values(self, value, dtype, wanted):
        """Integers pass for floats, small integers wrap as in TensorFlow Serving, base64 for strings."""
        array = json_tensor.to_array(value, dtype)
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(array, wanted)

    @pytest.mark.parametrize(
        ("value", "dtype", "message"),
        [
            ([1.5], INT32, "JSON Value: 1.5 Type: Number is not of expected type: int32"),
            ([2**31], INT32, "is not of expected type: int32"),
            ([-1], types_pb2.DT_UINT32, "is not of expected type: uint32"),
            ([1, True], FLOAT, "JSON Value: true Type: True is not of expected type: float"),
            ([None], FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
            ([{"b64": "aGk="}], FLOAT, "Type: Object is not of expected type: float"),
            ([1], STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
            ([1], BOOL, "is not of expected type: bool"),
            (
                [[1], 2],
                FLOAT,
                "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
            ),
            ([1, [2]], FLOAT, "Encountered list at unexpected level: 1 expected < 1"),
            ([[1, 2], [3]], FLOAT, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
            ([{"b64": "!"}], STRING, "Unable to base64 decode"),
            ([{"b64": "aGk=", "x": 1}], STRING, "not formatted correctly for base64 data"),
        ],
    )
    def test_errors(self, value, dtype, message):
        """Each refusal in TensorFlow Serving's words."""
        with pytest.raises(InvalidRequestError) as caught:
            json_tensor.to_array(value, dtype)
        assert message in str(caught.value)

    @pytest.mark.parametrize("dtype", [types_pb2.DT_HALF, types_pb2.DT_BFLOAT16, types_pb2.DT_COMPLEX64])
    def test_types_that_json_cannot_carry(self, dtype):
        """Half, bfloat16 and complex are unsupported in both directions."""
        with pytest.raises(UnimplementedError, match="Conversion of JSON Value: 1 to type: "):
            json_tensor.to_array([1], dtype)
        array = np.zeros(1, dtypes.numpy_dtype(dtype))
        with pytest.raises(InvalidRequestError, match="Failed to write JSON value for tensor type: "):
            json_answer.build_response({"y": array}, row_form=True)

    @given(
        st.recursive(
            st.one_of(
                st.integers(-(2**40), 2**40), st.floats(), st.booleans(), st.none(), st.text(max_size=2)
            ),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=12,
        ),
        st.sampled_from([FLOAT, DOUBLE, INT32, UINT8, INT64]),
    )
    def test_fast_path_equals_the_walk(self, value, dtype):
        """Converting in one go and value by value give the same array or the same error."""

        def outcome(convert):
            try:
                array = convert()
            except TfdeconvError as error:
                return type(error), str(error)
            return array.dtype, array.shape, array.tobytes()

        assert outcome(lambda: json_tensor.to_array(value, dtype)) == outcome(
            lambda: json_tensor._Walk(dtype).array(value)
        )

    def test_base64_forms(self):
        """Padding may be missing or dots, and white space may be anywhere, as Abseil allows."""
        data = bytes(range(256))
        text = base64.b64encode(data).decode()
        spaced = text[:40] + "\n \v\f\r\t" + text[40:-1] + " ="
        for form in (text, text.rstrip("="), text.replace("=", "."), spaced):
            assert json_tensor.decode_base64({"b64": form}) == data

    @pytest.mark.parametrize(
        "text", ["a", "aG=", "aGk==", "aGkx=", "aGkx====", "=", "a=Gk", "aGk.x", "a_-k", "aé", "a\0"]
    )
    def test_not_base64(self, text):
        """Half a byte, padding of another length or place, and other characters are errors."""
        with pytest.raises(InvalidRequestError, match="Unable to base64 decode"):
            json_tensor.decode_base64({"b64": text})


class TestJsonPredict:
    TYPES = {"a": FLOAT, "b": STRING}  # noqa: RUF012

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

    def test_plain_list_does_not_take_objects(self):
        """A mix of values and objects names the odd one."""
        with pytest.raises(InvalidRequestError, match="Expecting value/list but got object at item 1"):
            self.parse({"instances": [1, {"a": 2}]}, {"a": FLOAT})

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
            json_predict.parse_request(text.encode("utf-8", "surrogatepass")).inputs({"x": FLOAT})


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
