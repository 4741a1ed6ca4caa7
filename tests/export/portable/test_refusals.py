"""What cannot be exported is refused in words, and leaves no file."""

import keras
import numpy as np
import pytest
from portable_targets import every_format, path_for

import tfdeconv as td
from tfdeconv import extras, layers
from tfdeconv.export.portable.onnx import rules


@pytest.fixture
def model():
    image = keras.Input([None, None, 1], name="image")
    hidden = keras.layers.Conv2D(2, 3, padding="same", name="hidden")(image)
    return keras.Model(image, layers.Conv2DTranspose(1, 4, 2, "same", name="up")(hidden))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "coreml"}, "format must be 'onnx' or 'litert' or 'openvino'; received 'coreml'"),
        ({"precision": "int4"}, "precision must be 'float32' or 'float16' or 'int8'; received 'int4'"),
        ({"lowering": "two_pass"}, "lowering must be 'subpixel' or 'gradient'; received 'two_pass'"),
        ({"format": "litert"}, "path must end in .tflite for format='litert'"),
        ({"precision": "int8"}, "calibration must be given with precision='int8'"),
        (
            {"calibration": np.zeros([1, 4, 4, 1])},
            "calibration must be given with precision='int8', and only then",
        ),
        ({"tolerance": -1}, "tolerance must be a number, 0 or more; received -1"),
        ({"input_shape": (4, 4, 3)}, r"input_shape must fit the model's input \(None, None, 1\)"),
        ({"input_shape": [(4, 4, 1)] * 2}, "input_shape must hold one shape for each of the 1 inputs"),
        (
            {"precision": "int8", "calibration": np.zeros([2, 4, 4, 3])},
            r"must hold samples of shape \(None, None, 1\) for the input 'image'.*shape \(4, 4, 3\)",
        ),
        (
            {"precision": "int8", "calibration": np.full([2, 4, 4, 1], np.nan)},
            "calibration must hold finite numbers",
        ),
        (
            {"precision": "int8", "calibration": np.zeros([0, 4, 4, 1])},
            "calibration must hold at least one sample",
        ),
        ({"precision": "int8", "calibration": {"x": np.zeros([1, 4, 4, 1])}}, r"for the inputs \['image'\]"),
        ({"precision": "int8", "calibration": "nowhere"}, "there is no folder 'nowhere'"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, model, arguments, message):
    """The message names the argument, the rule and what was received."""
    path_for("onnx", tmp_path)
    with pytest.raises(td.errors.InvalidArgumentError, match=message):
        td.export_portable(model, tmp_path / "model.onnx", **arguments)
    assert not list(tmp_path.iterdir())


def test_models_that_are_no_graph_are_refused(tmp_path):
    """A layer is no model."""
    with pytest.raises(
        td.errors.InvalidArgumentError, match="model must be a built Sequential or functional"
    ):
        td.export_portable(keras.layers.Dense(1), tmp_path / "model.onnx")


class Cubed(layers.Conv2DTranspose):
    """A class derived from a known one that computes something else."""

    def call(self, inputs, **kwargs):
        return super().call(inputs, **kwargs) ** 3


def test_unknown_layers_are_refused_by_name(tmp_path):
    """A derived class may compute anything."""
    path = path_for("onnx", tmp_path)
    image = keras.Input([8, 8, 1])
    model = keras.Model(image, Cubed(1, 2, 2, name="mine")(image))
    with pytest.raises(td.errors.ExportError, match=r"Layer 'mine' \(Cubed\) has no ONNX form here"):
        td.export_portable(model, path)
    assert not list(tmp_path.iterdir())


def test_a_transposed_convolution_inside_an_unknown_layer_is_refused(tmp_path):
    """TensorFlow's converter takes any layer, but its transposed convolutions stay as they are."""
    path = path_for("litert", tmp_path)
    image = keras.Input([8, 8, 1])
    model = keras.Model(image, Cubed(1, 2, 2, lowering="gradient", name="mine")(image))
    with pytest.raises(td.errors.ExportError, match="TRANSPOSE_CONV, from a transposed convolution inside"):
        td.export_portable(model, path, format="litert")
    assert not list(tmp_path.iterdir())


@keras.saving.register_keras_serializable(package="tests")
class Sorted(keras.layers.Layer):
    def call(self, x):
        return keras.ops.cast(keras.ops.linalg.det(x), "float32")


def test_what_litert_lacks_is_refused_by_name(tmp_path):
    """The converter speaks of operations; the message names the layer."""
    path = path_for("litert", tmp_path)
    image = keras.Input([3, 3])
    model = keras.Model(image, Sorted(name="determinant")(keras.layers.ReLU()(image)))
    with pytest.raises(
        td.errors.ExportError, match="Layer 'determinant' needs the operation MatrixDeterminant"
    ):
        td.export_portable(model, path, format="litert")
    assert not list(tmp_path.iterdir())


@every_format
def test_models_that_return_nan_are_refused(tmp_path, target, model):
    """The first layer that does is named."""
    path = path_for(target, tmp_path)
    kernel, bias = model.get_layer("hidden").get_weights()
    model.get_layer("hidden").set_weights([kernel, bias * np.nan])
    with pytest.raises(td.errors.ExportError, match="Layer 'hidden' of the model itself returns NaN"):
        td.export_portable(model, path, format=target)
    assert not list(tmp_path.iterdir())


def test_half_precision_models_are_refused(tmp_path):
    """Their rounding is no measure for anything."""
    path = path_for("onnx", tmp_path)
    image = keras.Input([8, 8, 1])
    model = keras.Model(image, layers.Conv2DTranspose(1, 2, 2, dtype="mixed_float16", name="half")(image))
    with pytest.raises(td.errors.ExportError, match="Layer 'half' computes in float16"):
        td.export_portable(model, path)


def test_a_file_that_computes_something_else_is_removed(tmp_path, model, monkeypatch):
    """The message says how far it is off, and behind which layer that begins; an older file stays."""
    path = path_for("onnx", tmp_path)
    td.export_portable(model, path)
    before = path.read_bytes()
    write = rules.RULES[keras.layers.Conv2D]

    def wrong(graph, call):
        value = write(graph, call)
        return type(value)(graph.node("Neg", value.name), value.shape, value.dtype, value.moved)

    monkeypatch.setitem(rules.RULES, keras.layers.Conv2D, wrong)
    with pytest.raises(
        td.errors.ExportError, match=r"differ by up to .* first appears behind layer 'hidden'"
    ):
        td.export_portable(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_half_precision_cannot_hold_is_found(tmp_path):
    """An overflow is a difference like any other."""
    path = path_for("onnx", tmp_path)
    image = keras.Input([4, 4, 1])
    model = keras.Model(image, keras.layers.Rescaling(1e-6)(keras.layers.Rescaling(1e6, name="large")(image)))
    with pytest.raises(td.errors.ExportError, match="behind layer 'large'"):
        td.export_portable(model, path, precision="float16")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("target", "package"), [("onnx", "onnxruntime"), ("litert", "ai_edge_litert"), ("openvino", "openvino")]
)
def test_a_missing_runtime_is_named_with_its_command(tmp_path, model, monkeypatch, target, package):
    """Before anything is computed."""
    path = path_for(target, tmp_path)
    load = extras.importlib.import_module

    def import_module(name):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(name=package)
        return load(name)

    monkeypatch.setattr(extras.importlib, "import_module", import_module)
    with pytest.raises(td.errors.MissingExtraError, match=rf"{package}.*pip install 'tfdeconv\[{target}\]'"):
        td.export_portable(model, path, format=target)
    assert not list(tmp_path.iterdir())
