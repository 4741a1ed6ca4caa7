"""One table of element types, the same as TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from tfdeconv.wire import dtypes

VALUES = {name: number for name, number in types_pb2.DataType.items() if 0 < number < 100}


@pytest.mark.parametrize(("label", "number"), VALUES.items())
def test_every_type_of_tensorflow(label: str, number: int) -> None:
    """Names and NumPy types are TensorFlow's; resources and variants have no values."""
    assert dtypes.cpp_name(number) == label.removeprefix("DT_").lower()
    assert dtypes.cpp_name(number + 100) == f"{label}_REF".removeprefix("DT_").lower()
    assert dtypes.numpy_dtype(number + 100) is None
    if label in ("DT_RESOURCE", "DT_VARIANT"):
        assert dtypes.numpy_dtype(number) is None
        return
    wanted = tf.dtypes.as_dtype(number)
    assert dtypes.name_of(number) == dtypes.name_of(label) == wanted.name
    assert dtypes.NUMBERS[wanted.name] == number
    element = dtypes.numpy_dtype(number)
    assert element == np.dtype(wanted.as_numpy_dtype)
    assert dtypes.enum_of(element) == number


@pytest.mark.parametrize("kind", ["S3", "U2", "O", ">f4", "longlong", "uintc"])
def test_other_spellings_of_a_type(kind: str) -> None:
    """Strings of any width, other byte orders, and C's names for an integer."""
    wanted = tf.string if kind[0] in "SUO" else tf.dtypes.as_dtype(np.dtype(kind))
    assert dtypes.enum_of(np.dtype(kind)) == wanted.as_datatype_enum


@pytest.mark.parametrize("kind", ["datetime64[s]", "V4", "longdouble"])
def test_types_that_tensorflow_lacks(kind: str) -> None:
    """They are refused by name."""
    with pytest.raises(TypeError, match=np.dtype(kind).name[:6]):
        dtypes.enum_of(np.dtype(kind))


@pytest.mark.parametrize(
    ("fields", "ours"), [({"int_val"}, dtypes.INT_VAL_TYPES), ({"half_val"}, dtypes.HALF_VAL_TYPES)]
)
def test_the_field_of_a_type(fields: set[str], ours: frozenset[int]) -> None:
    """TensorFlow puts the values of exactly these types into the field."""
    for number in ours:
        element = dtypes.numpy_dtype(number)
        if element.names is None:  # TensorFlow cannot make a tensor of quantised values from an array
            proto = tf.make_tensor_proto(np.ones([1], element))
            assert proto.tensor_content or {field.name for field, _ in proto.ListFields()} >= fields


def test_unknown_numbers() -> None:
    """What a newer TensorFlow may send is named, not guessed."""
    assert dtypes.name_of(99) == "data type 99"
    assert dtypes.cpp_name(99) == "unknown dtype enum (99)"
    assert dtypes.cpp_name(0) == "invalid"
    assert dtypes.numpy_dtype(99) is None
