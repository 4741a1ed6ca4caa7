"""Equivalent calls, run in the frameworks that they name."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv import analysis
from tfdeconv.geometry import Window

CASES = [
    {"input_size": (4, 5), "kernel_size": 3, "strides": 2, "padding": "same"},
    {"input_size": (4, 5), "kernel_size": 3, "strides": 2, "padding": 1, "output_padding": 1},
    {"input_size": (4, 5), "kernel_size": 4, "strides": 2, "padding": 1},
    {"input_size": (3, 3), "kernel_size": (3, 5), "strides": (1, 3), "padding": "valid"},
    {"input_size": (3, 3), "kernel_size": 2, "strides": 3, "padding": "valid"},
    {"input_size": (4, 4), "kernel_size": 3, "strides": 1, "dilation_rate": 2, "padding": "same"},
    {
        "input_size": (4, 4),
        "kernel_size": 3,
        "strides": 2,
        "dilation_rate": 2,
        "padding": 2,
        "output_padding": 1,
    },
    {"input_size": (4,), "kernel_size": 5, "strides": 2, "padding": [(3, 1)]},
    {"input_size": (2, 3, 2), "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
]


@contextlib.contextmanager
def where_tensorflow_can():
    """Skip what TensorFlow's CPU kernel refuses without oneDNN."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if "Current CPU implementations do not yet support" not in str(error):
            raise
        pytest.skip("dilation needs oneDNN")


@pytest.fixture(params=CASES, ids=str)
def problem(request):
    """A configuration, an input, a kernel, and the output it must have."""
    config = analysis.configuration(**request.param)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, *config.input_size, 2)).astype("float32")
    kernel = rng.normal(size=(*config.kernel_size, 3, 2)).astype("float32")
    y = td.ops.conv_transpose(
        x,
        kernel,
        strides=config.strides,
        padding=config.crops,
        dilation_rate=config.dilation_rate,
        data_format="channels_last",
    )
    calls = {one.framework: one for one in analysis.equivalents(config, filters=3, channels=2)}
    return config, calls, x, kernel, np.asarray(y)


@pytest.mark.parametrize(("framework", "layers"), [("tfdeconv", td.layers), ("Keras", keras.layers)])
def test_layer_calls_give_the_same_numbers(problem, framework, layers):
    """The printed layer, evaluated as it stands, returns the same samples."""
    _, calls, x, kernel, y = problem
    if calls[framework].call is None:
        assert framework == "Keras"
        assert calls[framework].note
        return
    layer = eval(f"layers.{calls[framework].call}", {"layers": layers})
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    with where_tensorflow_can():
        np.testing.assert_allclose(layer(x), y, atol=1e-5)


def test_tensorflow_calls_give_the_same_numbers(problem):
    """The printed op, evaluated as it stands, returns the same samples."""
    _, calls, x, kernel, y = problem
    if calls["TensorFlow"].call is None:
        assert "slice the VALID output" in calls["TensorFlow"].note
        return
    with where_tensorflow_can():
        found = eval(calls["TensorFlow"].call, {"tf": tf, "x": x, "kernel": kernel, "n": 1})
        np.testing.assert_allclose(found, y, atol=1e-5)


def test_torch_calls_give_the_same_numbers(problem):
    """The printed module, with what is to be kept of its output, returns the same samples."""
    torch = pytest.importorskip("torch")
    _, calls, x, kernel, y = problem
    found = calls["PyTorch"]
    module = eval(f"nn.{found.call}", {"nn": torch.nn})
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.moveaxis(kernel, (-1, -2), (0, 1)).copy()))
        module.bias.zero_()
        result = module(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()
    if found.note:
        result = eval(found.note.removeprefix("then keep "), {"y": result})
    np.testing.assert_allclose(np.moveaxis(result, 1, -1), y, atol=1e-5)


def test_onnx_attributes_give_the_same_numbers(problem):
    """The printed attributes, run by ONNX Runtime, return the same samples."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    _, calls, x, kernel, y = problem
    attributes = eval(calls["ONNX"].call.replace("ConvTranspose(", "dict("))
    node = onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)
    feeds = {"x": np.moveaxis(x, -1, 1), "w": np.moveaxis(kernel, (-1, -2), (0, 1))}
    tensor = functools.partial(onnx.helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
    inputs = [tensor(name, shape=array.shape) for name, array in feeds.items()]
    graph = onnx.helper.make_graph([node], "one", inputs, [tensor("y", shape=None)])
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {name: np.ascontiguousarray(array) for name, array in feeds.items()})
    np.testing.assert_allclose(np.moveaxis(result, 1, -1), y, atol=1e-5)


def test_an_equivalent_is_found_wherever_a_framework_has_one():
    """Every PyTorch and Keras convention, resolved to its window, is found again in its own words."""
    for k, s, p, op in itertools.product((2, 3, 4), (1, 2, 3), (0, 1), (0, 1)):
        if op < s:
            config = analysis.configuration(5, k, strides=s, padding=p, output_padding=op)
            torch = next(one for one in analysis.equivalents(config) if one.framework == "PyTorch")
            assert torch.note == ""
    for k, s, padding in itertools.product((2, 3, 4), (1, 2, 3), ("same", "valid")):
        config = analysis.configuration(5, k, strides=s, padding=padding)
        found = {one.framework: one for one in analysis.equivalents(config)}
        assert found["Keras"].call is not None
        assert found["TensorFlow"].call is not None


def test_the_usual_pytorch_doubling_has_no_keras_layer():
    """K 3, s 2, p 1, op 1 starts at sample 1: no Keras padding does, and the note says which."""
    config = analysis.configuration((4, 4), 3, strides=2, padding=1, output_padding=1)
    keras_call = analysis.equivalents(config)[1]
    assert keras_call.call is None
    assert keras_call.note == "its paddings cannot start at sample 1 of the full output and return 8"


@pytest.mark.parametrize(
    ("case", "groups", "framework", "note"),
    [
        ({"kernel_size": 4, "strides": 2}, 2, "Keras", "no groups"),
        ({"kernel_size": 3, "strides": 2, "dilation_rate": 2}, 1, "Keras", "dilation together with strides"),
        ({"kernel_size": 2, "strides": 3, "padding": [(0, -1)]}, 1, "Caffe", "more than the full output"),
        (
            {"kernel_size": 3, "strides": 2, "padding": [(0, -4)]},
            1,
            "ONNX",
            "passes the end",
        ),
        ({"kernel_size": 3, "strides": 2, "padding": [(0, -4)]}, 1, "PyTorch", "passes the end"),
    ],
)
def test_reasons_where_there_is_no_equivalent(case, groups, framework, note):
    """What a framework cannot say comes with the reason."""
    config = analysis.configuration(4, **case)
    found = {one.framework: one for one in analysis.equivalents(config, filters=2, channels=2, groups=groups)}
    assert found[framework].call is None
    assert note in found[framework].note


def test_keras_lacks_what_the_notes_say():
    """Keras's layer has no groups argument, and refuses dilation together with strides."""
    assert "groups" not in inspect.signature(keras.layers.Conv2DTranspose).parameters
    with pytest.raises(ValueError, match="not supported in conjunction"):
        keras.layers.Conv2DTranspose(1, 3, strides=2, dilation_rate=2)


def test_caffe_crops_what_it_cannot_pad():
    """Caffe crops both ends alike; anything else is a Crop layer behind it, as in FCN."""
    config = analysis.configuration((16, 16), 64, strides=32, padding=((19, 25), (19, 25)))
    assert config.windows == (Window(19, 500), Window(19, 500))
    caffe = analysis.equivalents(config, filters=21, channels=21)[-1]
    assert caffe.call == "Deconvolution { num_output: 21 kernel_size: 64 stride: 32 }"
    assert caffe.note == "then Crop { offset: 19 offset: 19 }"
