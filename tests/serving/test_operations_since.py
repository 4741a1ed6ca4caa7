"""What an older TensorFlow Serving lacks of a SavedModel."""

import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.core.framework import node_def_pb2

import tfdeconv as td
from tfdeconv.cli.commands.inspect import command
from tfdeconv.serving.models.operations_since import OPERATIONS, release, unknown_to


def test_the_tables_name_operations_that_this_tensorflow_has():
    """A misspelt name would never be found."""
    registered = {name for name in OPERATIONS if tf.raw_ops.__dict__.get(name) or name.startswith("_")}
    hidden = set(OPERATIONS) - registered
    from tensorflow.python.framework import op_def_registry

    assert all(op_def_registry.get(name) is not None for name in hidden)


@pytest.mark.parametrize(
    ("operation", "attribute", "value", "expected"),
    [
        ("DecodeWebP", None, None, {"DecodeWebP": "since TensorFlow 2.20"}),
        ("CheckPinned", None, None, {}),  # since 2.18
        ("Range", "Tidx", tf.uint64, {"Range": "Tidx takes this type since TensorFlow 2.20"}),
        ("Range", "Tidx", tf.int32, {}),
        (
            "TensorListGetItem",
            "Tshape",
            tf.int64,
            {"TensorListGetItem": "its attribute Tshape is there since TensorFlow 2.21"},
        ),
        ("TensorListGetItem", "Tshape", tf.int32, {}),  # the default, which any release takes
    ],
)
def test_what_came_later_is_found(operation, attribute, value, expected):
    """Operations, attributes other than their default, and types."""
    node = node_def_pb2.NodeDef(op=operation)
    if attribute:
        node.attr[attribute].type = value.as_datatype_enum
    assert unknown_to((2, 19), [node]) == expected


@pytest.mark.parametrize("text", ["2", "2.15", "2.99", "two", "2.19.1.0"])
def test_releases_without_a_table_are_refused(text):
    """The message lists those that have one."""
    with pytest.raises(td.errors.InvalidArgumentError, match=r"must be one of 2\.16, .*2\.21; received"):
        release(text)


def test_the_command_says_what_a_release_lacks(tmp_path):
    """The shipped upscaler runs in the release of the manifests; WebP pictures do not."""

    class Decoder(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def __call__(self, encoded):
            return tf.raw_ops.DecodeWebP(contents=encoded)

    tf.saved_model.save(Decoder(), str(tmp_path / "webp" / "1"))
    path = td.export_saved_model(td.zoo.load_upscaler(2), tmp_path / "upscaler")
    result = CliRunner().invoke(command, [str(path), "--for-serving", "2.19.1"])
    assert "TensorFlow Serving 2.19.1: has every operation" in result.output
    result = CliRunner().invoke(command, [str(tmp_path / "webp"), "--for-serving", "2.19"])
    assert "TensorFlow Serving 2.19 does not run:\n    DecodeWebP: since TensorFlow 2.20" in result.output
