"""ONNX models and nodes and their converted layers compute what ONNX Runtime computes."""

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

RNG = np.random.default_rng(11)


def _weights(*shape):
    return RNG.normal(size=shape).astype("float32")


def _model(nodes, arrays, shape, opset=18):
    """A model of ``nodes`` from "x" to "y" with constant ``arrays``."""
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None] * len(shape))],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def _run(model, x):
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def _channels_last(function, x):
    return np.moveaxis(np.array(function(np.moveaxis(x, 1, -1))), -1, 1)


def _node(op_type, *inputs, **attributes):
    return helper.make_node(op_type, ["x", *inputs], ["y"], name=f"{op_type}_0", **attributes)


TRANSPOSED = [
    {},
    {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    {"strides": [3, 2], "pads": [0, 1, 2, 0]},
    {"strides": [2, 3], "dilations": [2, 1], "output_padding": [1, 2]},
    {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"strides": [3, 2], "auto_pad": "SAME_LOWER"},
    {"strides": [2, 2], "auto_pad": "VALID"},
    {"strides": [2, 2], "output_shape": [13, 10]},
    {"strides": [2, 2], "output_shape": [12, 11], "auto_pad": "SAME_UPPER"},
    {"strides": [3, 2], "output_shape": [17, 9], "auto_pad": "SAME_LOWER"},
    {"group": 2, "strides": [2, 2]},
]


@pytest.mark.parametrize("attributes", TRANSPOSED, ids=str)
@pytest.mark.parametrize("kernel", [(3, 4), (5, 3)])
def test_conv_transpose(attributes, kernel):
    """Every attribute that chooses the window chooses ONNX Runtime's."""
    groups = attributes.get("group", 1)
    arrays = {"w": _weights(4, 6 // groups, *kernel), "b": _weights(6)}
    model = _model([_node("ConvTranspose", "w", "b", **attributes)], arrays, [2, 4, 6, 5])
    x = _weights(2, 4, 6, 5)
    np.testing.assert_allclose(
        _channels_last(convert.from_onnx(model), x), _run(model, x), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("rank", [1, 3])
def test_conv_transpose_of_other_ranks(rank):
    """Sequences and volumes convert like images."""
    shape = [1, 2, 5, 4, 3][: rank + 2]
    node = _node("ConvTranspose", "w", strides=[2] * rank, pads=[1] * rank + [0] * rank)
    model = _model([node], {"w": _weights(2, 3, *[3] * rank)}, shape)
    x = _weights(*shape)
    np.testing.assert_allclose(
        _channels_last(convert.from_onnx(model), x), _run(model, x), rtol=1e-4, atol=1e-4
    )


CONVOLVED = [
    {},
    {"pads": [1, 1, 1, 1]},
    {"pads": [0, 2, 1, 0], "strides": [2, 1]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"},
    {"dilations": [2, 1], "group": 2},
]


@pytest.mark.parametrize("attributes", CONVOLVED, ids=str)
def test_conv(attributes):
    """Convolutions keep their padding, also where Keras has no name for it."""
    arrays = {"w": _weights(6, 4 // attributes.get("group", 1), 3, 4), "b": _weights(6)}
    model = _model([_node("Conv", "w", "b", **attributes)], arrays, [2, 4, 8, 7])
    x = _weights(2, 4, 8, 7)
    np.testing.assert_allclose(
        _channels_last(convert.from_onnx(model), x), _run(model, x), rtol=1e-4, atol=1e-4
    )


RESIZED = [
    {"mode": "linear"},
    {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"},
    {"mode": "nearest"},
    {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
]


@pytest.mark.parametrize("attributes", RESIZED, ids=str)
@pytest.mark.parametrize("by", ["scales", "sizes", "axes"])
def test_resize(attributes, by):
    """Resizing by integer factors is exact whether scales or sizes say so, border included."""
    inputs = {"scales": ("", "s"), "axes": ("", "s"), "sizes": ("", "", "s")}[by]
    array = {
        "scales": np.array([1, 1, 2, 3], "float32"),
        "sizes": np.array([1, 2, 8, 15], "int64"),
        "axes": np.array([3, 2], "float32"),
    }[by]
    extra = {"axes": [3, 2]} if by == "axes" else {}
    model = _model([_node("Resize", *inputs, **attributes, **extra)], {"s": array}, [1, 2, 4, 5])
    x = _weights(1, 2, 4, 5)
    np.testing.assert_allclose(_channels_last(convert.from_onnx(model), x), _run(model, x), atol=1e-5)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_depth_to_space(mode, data_format):
    """Both channel orders, into both layouts."""
    model = _model([_node("DepthToSpace", blocksize=2, mode=mode)], {}, ["n", 12, "h", "w"])
    x = _weights(2, 12, 3, 4)
    layer = convert.from_onnx(model, data_format=data_format)
    answer = np.array(layer(x)) if data_format == "channels_first" else _channels_last(layer, x)
    np.testing.assert_array_equal(answer, _run(model, x))


def _chain_of_nodes():
    arrays = {
        "w1": _weights(8, 3, 3, 3),
        "scale": _weights(8) + 3,
        "bias": _weights(8),
        "mean": _weights(8),
        "variance": np.abs(_weights(8)) + 1,
        "w2": _weights(8, 12, 4, 4),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="/body/conv", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "scale", "bias", "mean", "variance"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["c"], alpha=0.2),
        helper.make_node("ConvTranspose", ["c", "w2"], ["d"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("DepthToSpace", ["e"], ["f"], blocksize=2),
        helper.make_node("Constant", [], ["scales"], value=numpy_helper.from_array(np.float32([1, 1, 2, 2]))),
        helper.make_node("Resize", ["f", "", "scales"], ["g"], mode="linear"),
        helper.make_node("Sigmoid", ["g"], ["h"]),
        helper.make_node("Tanh", ["h"], ["i"]),
        helper.make_node("Identity", ["i"], ["y"]),
    ]
    return nodes, arrays


def test_chain_from_a_file(tmp_path):
    """A whole file of unknown image size becomes a model that works for any size."""
    model = _model(*_chain_of_nodes(), ["n", 3, "h", "w"])
    onnx.save(model, str(tmp_path / "chain.onnx"))
    converted = convert.from_onnx(tmp_path / "chain.onnx")
    assert converted.get_layer("body.conv")
    for size in ((5, 6), (8, 3)):
        x = _weights(2, 3, *size)
        np.testing.assert_allclose(_channels_last(converted, x), _run(model, x), rtol=1e-4, atol=1e-4)


def test_node_of_its_own():
    """A NodeProto with its arrays gives one layer."""
    weight = _weights(2, 3, 4, 4)
    node = _node("ConvTranspose", "w", strides=[2, 2], pads=[1, 1, 1, 1])
    x = _weights(1, 2, 5, 6)
    layer = convert.from_onnx(node, initializers={"w": weight})
    expected = _run(_model([node], {"w": weight}, [1, 2, 5, 6]), x)
    np.testing.assert_allclose(_channels_last(layer, x), expected, rtol=1e-4, atol=1e-4)


def test_node_with_the_numbers_of_a_pytorch_module():
    """PyTorch's padding and output_padding, written as ONNX attributes, choose PyTorch's window."""
    torch = pytest.importorskip("torch")
    module = torch.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)
    weight, bias = (parameter.detach().numpy() for parameter in module.parameters())
    node = _node("ConvTranspose", "w", "b", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    layer = convert.from_onnx(node, initializers={"w": weight, "b": bias})
    x = _weights(1, 2, 5, 6)
    expected = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(_channels_last(layer, x), expected, rtol=1e-4, atol=1e-5)


W = {"w": _weights(2, 2, 3, 3)}


@pytest.mark.parametrize(
    ("node", "arrays", "shape", "reason"),
    [
        (
            _node("Einsum", equation="nchw->nhcw"),
            {},
            [1, 2, 4, 4],
            r"Node 'Einsum_0' \(Einsum\) has no converter",
        ),
        (
            _node("ConvTranspose", "w", output_shape=[7, 7], strides=[2, 2]),
            W,
            [1, 2, "h", 3],
            r"depends on the input's size, which is unknown on spatial axis 0",
        ),
        (
            _node("Resize", "", "s", mode="cubic", cubic_coeff_a=-0.5),
            {"s": np.float32([1, 1, 2, 2])},
            [1, 2, "h", "w"],
            r"mode='cubic'.* no exact layer",
        ),
        (
            _node("Resize", "", "s", mode="nearest", nearest_mode="floor"),
            {"s": np.float32([1, 1, 2, 2])},
            [1, 2, "h", 4],
            r"nearest_mode='floor' with factors 2, 2",
        ),
        (
            _node("Resize", "", "s"),
            {"s": np.float32([1, 1, 1.5, 2])},
            [1, 2, "h", "w"],
            r"with factors 3/2, 2",
        ),
        (
            _node("Resize", "", "s"),
            {"s": np.float32([1, 2, 2, 2])},
            [1, 2, 4, 4],
            r"resizes by \(1, 2, 2, 2\)",
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_node_without_an_equivalent_is_refused(node, arrays, shape, reason):
    """What would compute other numbers is refused, with the node's name."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_onnx(_model([node], arrays, shape))


def test_misplaced_initializers_and_old_rules_are_refused():
    """Initializers of a model, and an output_shape whose padding older opsets leave open, are refused."""
    with pytest.raises(ConversionError, match=r"initializers belong to a single node"):
        convert.from_onnx(_model([_node("Relu")], {}, [1, 2, 4, 4]), initializers={})
    old = _model(
        [_node("ConvTranspose", "w", output_shape=[7, 7], strides=[2, 2])], W, [1, 2, 3, 3], opset=10
    )
    with pytest.raises(ConversionError, match=r"output_shape in opset 10"):
        convert.from_onnx(old)


def test_what_is_no_onnx_model_is_refused(tmp_path):
    """Missing and broken files, folders and other objects are named with what was expected."""
    pytest.importorskip("onnx")
    (tmp_path / "broken.onnx").write_bytes(b"garbage")
    for name in ("broken.onnx", "missing.onnx", "."):
        with pytest.raises(ConversionError, match="cannot be read as an ONNX model: "):
            convert.from_onnx(tmp_path / name)
    with pytest.raises(ConversionError, match=r"must be an ONNX ModelProto.*received bytes"):
        convert.from_onnx(b"garbage")


def test_pads_must_name_both_ends_of_every_axis():
    """Another number of pads is refused with the number that is needed."""
    node = _node("ConvTranspose", "w", pads=[1])
    with pytest.raises(ConversionError, match=r"pads must hold 4 numbers; received \[1\]"):
        convert.from_onnx(node, initializers={"w": _weights(2, 3, 3, 3)})
