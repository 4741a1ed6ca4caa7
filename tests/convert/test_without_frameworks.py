"""Converters work on attributes and arrays, and say which package they miss."""

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv import layers as td_layers
from tfdeconv.errors import ConversionError, MissingExtraError


def test_no_converter_imports_a_framework():
    """Converting single layers imports neither torch nor onnx."""
    code = """
        import sys
        from types import SimpleNamespace
        import numpy as np
        from tfdeconv import convert

        class ConvTranspose2d:
            weight, bias = np.ones([2, 3, 4, 4], "float32"), None
            stride, padding, output_padding, dilation, groups = 2, 1, 0, 1, 1

        node = SimpleNamespace(op_type="ConvTranspose", name="", attribute=[], input=["x", "w"])
        for layer in (
            convert.from_torch(ConvTranspose2d()),
            convert.from_onnx(node, initializers={"w": ConvTranspose2d.weight}),
            convert.from_caffe({"type": "Crop"}),
        ):
            convert.to_torch_state(layer, arrays=True)
        assert not {"torch", "onnx"} & set(sys.modules), "imported"
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("torch", lambda: convert.to_torch_state(keras.layers.ReLU())),
        ("onnx", lambda: convert.from_onnx("model.onnx")),
    ],
)
def test_missing_framework_is_named_with_the_command(module, call, monkeypatch):
    """Without the package the error holds the pip command."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"'{module}'.*pip install 'tfdeconv\[convert\]'"):
        call()


def test_state_of_arrays():
    """A state of arrays has PyTorch's names and layout: kernel[y, x, f, c] is weight[c, f, y, x]."""
    layer = td_layers.Conv2DTranspose(3, (4, 5))
    layer.build((None, 6, 6, 2))
    layer.set_weights([np.random.default_rng(0).normal(size=(4, 5, 3, 2)), np.arange(3.0)])
    state = convert.to_torch_state(layer, arrays=True)
    assert state["weight"].shape == (2, 3, 4, 5)
    assert state["weight"][1, 2, 3, 4] == layer.kernel[3, 4, 2, 1]
    np.testing.assert_array_equal(convert.kernel_from_torch(state["weight"]), layer.get_weights()[0])
    np.testing.assert_array_equal(state["bias"], np.arange(3.0))


def test_state_of_a_foreign_layer_is_refused():
    """A layer whose weights no PyTorch module holds is named."""
    layer = keras.layers.PReLU(name="act")
    layer.build((None, 4, 4, 2))
    with pytest.raises(ConversionError, match=r"Layer 'act' \(PReLU\) has weights and no PyTorch module"):
        convert.to_torch_state(layer, arrays=True)
    inner = keras.Sequential([keras.Input([4, 4, 2]), layer], name="inner")
    with pytest.raises(ConversionError, match=r"Model 'inner' lies inside a model"):
        convert.to_torch_state(keras.Sequential([keras.Input([4, 4, 2]), inner]), arrays=True)


def test_weight_of_a_dense_layer_is_refused():
    """A weight without spatial axes is no convolution."""
    with pytest.raises(ConversionError, match=r"1 to 3 spatial axes .* received shape \(3, 4\)"):
        convert.kernel_from_torch(np.zeros([3, 4]))


def test_onnx_node_without_its_weight_is_refused():
    """The error says where a weight is given."""
    node = SimpleNamespace(op_type="Conv", name="c1", attribute=[], input=["x", "w"])
    with pytest.raises(ConversionError, match=r"Node 'c1' \(Conv\) needs a constant weight .*initializers="):
        convert.from_onnx(node)
