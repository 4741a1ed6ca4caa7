"""Inspection: signatures, operations, sizes, and what a GPU lacks."""

from __future__ import annotations

import pytest
import tensorflow as tf
from click.testing import CliRunner

import tfdeconv as td
from tfdeconv.cli.commands.inspect import command
from tfdeconv.errors import NotFoundError
from tfdeconv.serving.models import inspection


def test_counts_parameters_and_operations(toy_folder):
    """One scalar variable; the convolution is found inside the function that the signature calls."""
    report = inspection.inspect(toy_folder / "1")
    assert (report.parameters, report.parameter_bytes) == (1, 4)
    blur = next(entry for entry in report.signatures if entry.signature.name == "blur")
    assert blur.operations["Conv2D"] == 1
    assert not blur.missing


def test_operations_without_gpu_kernels_are_found(toy_folder):
    """The guard can fail: strings have no GPU kernels."""
    report = inspection.inspect(toy_folder / "1", device="GPU")
    by_name = {entry.signature.name: entry for entry in report.signatures}
    assert "StringLength" in by_name["echo"].missing
    assert not by_name["serving_default"].missing


def test_dtype_decides(tmp_path):
    """An operation may have GPU kernels for some types only."""
    module = tf.Module()
    module.f = tf.function(
        lambda x: {"y": tf.linalg.diag(x)}, input_signature=[tf.TensorSpec([2], tf.int16, name="x")]
    )
    tf.saved_model.save(module, str(tmp_path), module.f)
    (entry,) = inspection.inspect(tmp_path, device="GPU").signatures
    assert entry.missing == {"MatrixDiagV3": "int16"}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_float_path_of_the_shipped_models_runs_on_a_gpu(scale, tmp_path):
    """Every operation of the float path has a GPU kernel, but for the text of an error message."""
    path = td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(scale), scale), tmp_path)
    report = inspection.inspect(path, device="GPU")
    by_name = {entry.signature.name: entry for entry in report.signatures}
    assert by_name["serving_default"].missing == {"Const": "string"}


def test_command_prints_and_takes_a_model_folder(toy_folder):
    """A model folder means its newest version."""
    result = CliRunner().invoke(command, [str(toy_folder), "--device", "gpu"])
    assert result.exit_code == 0
    assert result.output.startswith(f"{toy_folder}/2\n")
    assert "input   a: float32 [?, 2]" in result.output
    assert "StringLength  <- no GPU kernel" in result.output


def test_equal_signatures_are_listed_once(tmp_path):
    """Keras exports one function under two names; a third that differs has its own list."""
    module = tf.Module()
    spec = tf.TensorSpec([None, 2], tf.float32, name="x")
    twice, root = (
        tf.function(lambda x: {"y": 2 * x}, [spec]),
        tf.function(lambda x: {"y": tf.sqrt(x)}, [spec]),
    )
    tf.saved_model.save(module, str(tmp_path), {"serve": twice, "serving_default": twice, "root": root})
    lines = CliRunner().invoke(command, [str(tmp_path)]).output.splitlines()
    titles = [line for line in lines if line.startswith("signature ")]
    assert titles == [
        "signature root  (tensorflow/serving/predict)",
        "signature serve, serving_default  (tensorflow/serving/predict)",
    ]
    assert sum("input   x: float32 [?, 2]" in line for line in lines) == 2


def test_the_command_says_what_a_saved_model_is(tmp_path):
    """For folders without one, and for paths that are not there."""
    for path in (tmp_path, tmp_path / "missing"):
        result = CliRunner().invoke(command, [str(path)])
        assert isinstance(result.exception, NotFoundError)
        assert "neither a version folder, which holds saved_model.pb, nor" in str(result.exception)


def test_not_a_saved_model(tmp_path):
    """The error is the loader's."""
    with pytest.raises(NotFoundError, match="Could not find SavedModel"):
        inspection.inspect(tmp_path)
