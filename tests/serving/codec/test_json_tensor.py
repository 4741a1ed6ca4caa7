"""JSON values as arrays of a dtype."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework.types_pb2 import (
    DT_BFLOAT16,
    DT_BOOL,
    DT_COMPLEX64,
    DT_DOUBLE,
    DT_FLOAT,
    DT_HALF,
    DT_INT32,
    DT_INT64,
    DT_STRING,
    DT_UINT8,
    DT_UINT32,
)

from tfdeconv.errors import InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving.codec import json_answer, json_tensor
from tfdeconv.wire import dtypes


class TestJsonTensor:
    @pytest.mark.parametrize(
        ("value", "dtype", "wanted"),
        [
            (1, DT_FLOAT, np.float32(1)),
            ([[1, 2.5]], DT_FLOAT, np.float32([[1, 2.5]])),
            ([float("nan"), float("inf")], DT_FLOAT, np.float32([np.nan, np.inf])),
            ([1e300], DT_DOUBLE, np.float64([1e300])),
            ([300, -1], DT_UINT8, np.uint8([44, 255])),
            ([2**24 + 2, 1e39, -(10**400)], DT_FLOAT, np.float32([2**24 + 2, np.inf, -np.inf])),
            ([2**62], DT_INT64, np.int64([2**62])),
            ([True, False], DT_BOOL, np.array([True, False])),
            (["a", {"b64": "/w=="}], DT_STRING, np.array([b"a", b"\xff"], object)),
            ([[], []], DT_FLOAT, np.zeros((2, 0), np.float32)),
            ([], DT_INT32, np.zeros(0, np.int32)),
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
            ([1.5], DT_INT32, "JSON Value: 1.5 Type: Number is not of expected type: int32"),
            ([2**31], DT_INT32, "is not of expected type: int32"),
            ([-1], DT_UINT32, "is not of expected type: uint32"),
            ([1, True], DT_FLOAT, "JSON Value: true Type: True is not of expected type: float"),
            ([None], DT_FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
            ([{"b64": "aGk="}], DT_FLOAT, "Type: Object is not of expected type: float"),
            ([1], DT_STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
            ([1], DT_BOOL, "is not of expected type: bool"),
            (
                [[1], 2],
                DT_FLOAT,
                "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
            ),
            ([1, [2]], DT_FLOAT, "Encountered list at unexpected level: 1 expected < 1"),
            ([[1, 2], [3]], DT_FLOAT, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
            ([{"b64": "!"}], DT_STRING, "Unable to base64 decode"),
            ([{"b64": "aGk=", "x": 1}], DT_STRING, "not formatted correctly for base64 data"),
        ],
    )
    def test_errors(self, value, dtype, message):
        """Each refusal in TensorFlow Serving's words."""
        with pytest.raises(InvalidRequestError) as caught:
            json_tensor.to_array(value, dtype)
        assert message in str(caught.value)

    @pytest.mark.parametrize("dtype", [DT_HALF, DT_BFLOAT16, DT_COMPLEX64])
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
        st.sampled_from([DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_INT64]),
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
