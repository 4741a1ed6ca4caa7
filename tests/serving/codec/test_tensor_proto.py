"""Arrays and the bytes of a TensorProto, with TensorFlow's own conversion as the oracle."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_FLOAT_REF, DT_RESOURCE, DT_STRING, DT_VARIANT

from tfdeconv.serving.codec import tensor_proto
from tfdeconv.wire import dtypes

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
        message = tensor_pb2.TensorProto(dtype=DT_FLOAT, float_val=[1, 2])
        message.tensor_shape.dim.add(size=4)
        assert tensor_proto.from_message(message).tolist() == [1, 2, 2, 2]
        message.tensor_shape.dim[0].size = 1
        assert tensor_proto.from_message(message).tolist() == [1]
        del message.float_val[:]
        assert tensor_proto.decode(message.SerializeToString()).tolist() == [0]

    def test_strings_in_tensor_content(self):
        """Lengths first, then bytes, as TensorFlow encodes them."""
        message = tensor_pb2.TensorProto(dtype=DT_STRING, tensor_content=b"\x01\x02abc")
        message.tensor_shape.dim.add(size=2)
        assert tensor_proto.from_message(message).tolist() == [b"a", b"bc"]

    @pytest.mark.parametrize(
        "fields",
        [
            {"dtype": DT_FLOAT, "sizes": [2], "tensor_content": b"123"},
            {"dtype": DT_FLOAT, "sizes": [-1], "float_val": [1]},
            {"dtype": DT_FLOAT, "sizes": [1 << 40, 1 << 40], "float_val": [1]},
            {"dtype": DT_FLOAT, "sizes": [1 << 32], "float_val": [1]},
            {"dtype": 0, "sizes": [1]},
            {"dtype": 999, "sizes": [1]},
            {"dtype": DT_FLOAT_REF, "sizes": [1], "float_val": [1]},
            {"dtype": DT_RESOURCE, "sizes": [1]},
            {"dtype": DT_VARIANT, "sizes": []},
            {"dtype": DT_FLOAT, "sizes": [1] * 65, "float_val": [1]},
            {"dtype": DT_STRING, "sizes": [3], "tensor_content": b"\x01a"},
            {"dtype": DT_STRING, "sizes": [1], "tensor_content": b"\x09a"},
            {"dtype": DT_FLOAT, "sizes": [0, (1 << 63) - 1]},
            {"dtype": DT_FLOAT, "sizes": [0, 1 << 61], "tensor_content": b""},
            {"dtype": DT_FLOAT, "sizes": [(1 << 63) - 1, (1 << 63) - 1, 0]},
            {"dtype": DT_STRING, "sizes": [0, 1 << 62]},
            {"dtype": DT_STRING, "sizes": [1 << 23], "string_val": [b""]},
            {"dtype": DT_STRING, "sizes": [1000], "string_val": [b"a" * 1_000_000]},
            {"dtype": DT_STRING, "sizes": [1 << 23]},
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
        message = tensor_pb2.TensorProto(dtype=DT_FLOAT, float_val=[1])
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
