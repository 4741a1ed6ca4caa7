"""Arrays and TensorProto messages, with TensorFlow's own conversions as the oracle."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal

from tfdeconv import errors
from tfdeconv.client.grpc import tensor_messages
from tfdeconv.wire.messages import messages

NUMERIC = [
    "float32",
    "float64",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "complex64",
    "complex128",
    "bfloat16",
]


def sample(dtype: str) -> np.ndarray:
    """A [2, 3] array with extremes of the type."""
    kind = np.dtype(ml_dtypes.bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
    if kind.kind in "iu":
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        return np.array([[low, 0, 1], [2, high - 1, high]], kind)
    values = np.array([[0, 1, 0.5], [-2, np.inf, 3]])
    return (values * (1 + 2j) if kind.kind == "c" else values).astype(kind)


def as_ours(official) -> object:
    """Read an official message with our class."""
    return messages.TensorProto.FromString(official.SerializeToString())


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # infinity times 1 + 2j
@pytest.mark.parametrize("dtype", NUMERIC)
def test_tensorflow_reads_what_is_sent(dtype: str) -> None:
    """Every numeric type, bit by bit."""
    array = sample(dtype)
    sent = tf.make_tensor_proto([0.0])
    sent.ParseFromString(tensor_messages.encode(array, dtype).SerializeToString())
    assert_array_equal(tf.make_ndarray(sent), array, strict=True)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("as_content", [True, False], ids=["content", "typed fields"])
def test_what_tensorflow_sends_is_read(dtype: str, as_content: bool) -> None:
    """Both forms of a tensor, every numeric type."""
    array = sample(dtype)
    official = tf.make_tensor_proto(np.zeros(array.shape, array.dtype))
    values = [field.name for field, _ in official.ListFields() if field.name.endswith(("_val", "_content"))]
    for name in values:
        official.ClearField(name)
    if as_content:
        official.tensor_content = array.tobytes()
    else:
        fill_typed_field(official, array)
    assert_array_equal(tensor_messages.decode(as_ours(official)), array, strict=True)


def fill_typed_field(proto, array: np.ndarray) -> None:
    """Put the values where tensor.proto wants those of this type."""
    name = array.dtype.name
    flat = array.ravel()
    if name in ("float16", "bfloat16"):
        proto.half_val.extend(flat.view(np.uint16).tolist())
    elif name == "complex64":
        proto.scomplex_val.extend(flat.view(np.float32).tolist())
    elif name == "complex128":
        proto.dcomplex_val.extend(flat.view(np.float64).tolist())
    else:
        field = {
            "float32": "float_val",
            "float64": "double_val",
            "int64": "int64_val",
            "uint32": "uint32_val",
            "uint64": "uint64_val",
            "bool": "bool_val",
        }
        getattr(proto, field.get(name, "int_val")).extend(flat.tolist())


def test_the_last_value_stands_for_those_that_are_missing() -> None:
    """As tensor.proto allows; none at all are zeros."""
    proto = tf.make_tensor_proto(7.0, shape=[2, 3])
    assert len(proto.float_val) == 1
    assert_array_equal(tensor_messages.decode(as_ours(proto)), np.full((2, 3), 7, np.float32), strict=True)
    proto.ClearField("float_val")
    assert_array_equal(tensor_messages.decode(as_ours(proto)), np.zeros((2, 3), np.float32), strict=True)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_scalars_and_empty_arrays(shape: tuple[int, ...]) -> None:
    """Shapes survive both ways."""
    array = np.zeros(shape, np.float32)
    sent = tf.make_tensor_proto([1.0])
    sent.ParseFromString(tensor_messages.encode(array, "float32").SerializeToString())
    assert_array_equal(tf.make_ndarray(sent), array, strict=True)
    assert_array_equal(tensor_messages.decode(as_ours(tf.make_tensor_proto(array))), array, strict=True)


def test_strings() -> None:
    """Bytes with zeros at either end are kept."""
    array = np.array([[b"\0a", b"b\0"]], object)
    proto = tf.make_tensor_proto(array)
    assert_array_equal(tensor_messages.decode(as_ours(proto)), array, strict=True)
    assert list(tensor_messages.encode(array, "string").string_val) == [b"\0a", b"b\0"]


def test_arrays_can_be_written_to() -> None:
    """An answer is the caller's own."""
    for form in (tf.make_tensor_proto([1.0, 2.0]), tf.make_tensor_proto(1.0)):
        tensor_messages.decode(as_ours(form))[...] = 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": 1, "float_val": [1, 2, 3]}, r"a float32 tensor of shape \[2\] with 3 values"),
        ({"dtype": 1, "tensor_content": b"123"}, r"a float32 tensor of shape \[2\] with 3 bytes"),
        ({"dtype": 1, "tensor_content": b"1234" * 3}, r"a float32 tensor of shape \[2\] with 3 values"),
    ],
)
def test_values_that_do_not_fill_the_shape(fields: dict[str, object], message: str) -> None:
    """Are an answer that cannot be read."""
    shape = messages.TensorShapeProto(dim=[messages.Dim(size=2)])
    with pytest.raises(errors.InternalError, match=message):
        tensor_messages.decode(messages.TensorProto(tensor_shape=shape, **fields))


def test_types_without_arrays() -> None:
    """Resources and quantised types are refused by name."""
    with pytest.raises(errors.UnimplementedError, match="type resource cannot be sent or received"):
        tensor_messages.decode(messages.TensorProto(dtype=20))
