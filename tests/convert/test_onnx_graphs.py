"""ONNX graphs with branches, of old and new operator sets and of both of PyTorch's exporters."""

import warnings

import keras
import numpy as np
import pytest

from tfdeconv import convert

onnx = pytest.importorskip("onnx")
from convert.onnx_graphs import X, check, graph, run, to_first, to_last, weights  # noqa: E402

UNARY = {
    "Relu": {}, "LeakyRelu": {"alpha": 0.2}, "Elu": {"alpha": 0.7}, "Selu": {}, "Celu": {"alpha": 0.6},
    "HardSigmoid": {"alpha": 0.3}, "HardSwish": {}, "Mish": {}, "Softplus": {}, "Softsign": {}, "Sigmoid": {},
    "Tanh": {}, "ThresholdedRelu": {"alpha": 0.5}, "Abs": {}, "Neg": {}, "Exp": {}, "Floor": {}, "Ceil": {},
    "Sin": {}, "Cos": {}, "Erf": {}, "Sign": {}, "Softmax": {"axis": 1}, "LogSoftmax": {"axis": -1},
    "GlobalAveragePool": {}, "GlobalMaxPool": {}, "Flatten": {}, "SpaceToDepth": {"blocksize": 2},
    "Transpose": {"perm": [0, 1, 3, 2]},
    "AveragePool": {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 0, 1]},
    "MaxPool": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
}  # fmt: skip


@pytest.mark.parametrize("op", UNARY)
def test_operator_of_one_tensor(op):
    """Each operator, with attributes that are not the defaults, as ONNX Runtime computes it."""
    check(graph([(op, "x", "y", UNARY[op])]), X)


WINDOWS = [
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
]


@pytest.mark.parametrize(("op", "attributes"), WINDOWS, ids=str)
def test_pooling_windows(op, attributes):
    """Every padding of a pooling, at odd sizes."""
    check(graph([(op, "x", "y", attributes)], shape=(1, 2, 7, 5)), weights(1, 2, 7, 5))


def test_branches_join():
    """Skips by Add and Concat, constants on either side, and several outputs."""
    nodes = [
        ("Conv", "x,w", "a", {"pads": [1, 1, 1, 1]}),
        ("PRelu", "a,slope", "b", {}),
        ("Add", "b,x", "c", {}),
        ("Concat", "c,x", "d", {"axis": 1}),
        ("Slice", "d,starts,ends,axes", "e", {}),
        ("Sub", "one,e", "f", {}),
        ("Mul", "f,scale", "g", {}),
        ("Div", "g,two", "h", {}),
        ("Split", "h,parts", "i,j", {"axis": 1}),
        ("Pad", "i,pads,fill", "k", {}),
        ("Clip", "k,low,high", "y", {}),
    ]
    arrays = {
        "w": weights(4, 4, 3, 3), "slope": weights(4, 1, 1), "starts": np.int64([1, 0]),
        "ends": np.int64([-1, 2**62]), "axes": np.int64([2, 1]), "one": np.float32(1),
        "scale": weights(8, 1, 1), "two": np.float32([2]), "parts": np.int64([6, 2]),
        "pads": np.int64([0, 0, 1, 2, 0, 0, 0, 1]), "fill": np.float32(0.5), "low": np.float32(-3),
        "high": np.float32(3),
    }  # fmt: skip
    check(graph(nodes, arrays, shape=("n", 4, "h", "w")), X)
    both = convert.from_onnx(graph(nodes, arrays, outputs=("y", "j")))
    assert [tuple(output.shape) for output in both(to_last(X))] == [(1, 5, 11, 6), (1, 4, 8, 2)]


def test_channels_last_graphs_keep_their_layout():
    """A graph that transposes its own input and output is channels last outside, and no Permute is left."""
    nodes = [
        ("Transpose", "x", "a", {"perm": [0, 3, 1, 2]}),
        ("Conv", "a,w", "b", {"pads": [1, 1, 1, 1]}),
        ("DepthToSpace", "b", "c", {"blocksize": 2, "mode": "CRD"}),
        ("Transpose", "c", "y", {"perm": [0, 2, 3, 1]}),
    ]
    model = graph(nodes, {"w": weights(8, 4, 3, 3)}, shape=("n", "h", "w", 4))
    converted = convert.from_onnx(model, data_format="channels_last")
    x = weights(1, 5, 6, 4)
    np.testing.assert_allclose(converted(x), run(model, x), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(layer, keras.layers.Permute) for layer in converted.layers)


OLD = [
    ("Resize of opset 10", 10, "Resize", "x,s", {"mode": "nearest"}, {"s": np.float32([1, 1, 2, 3])}),
    ("Resize of opset 10, linear", 10, "Resize", "x,s", {"mode": "linear"}, {"s": np.float32([1, 1, 2, 2])}),
    ("Upsample of opset 9", 9, "Upsample", "x,s", {"mode": "nearest"}, {"s": np.float32([1, 1, 2, 3])}),
    ("Upsample of opset 9, linear", 9, "Upsample", "x,s", {"mode": "linear"},
     {"s": np.float32([1, 1, 2, 2])}),
    ("Upsample of opset 7", 7, "Upsample", "x", {"scales": [1.0, 1.0, 2.0, 2.0]}, {}),
    ("Pad of opset 10", 10, "Pad", "x", {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 0.5}, {}),
    ("Clip of opset 6", 9, "Clip", "x", {"min": -0.5, "max": 0.4}, {}),
    ("Slice of opset 9", 9, "Slice", "x", {"starts": [1], "ends": [5], "axes": [2]}, {}),
    ("Softmax of opset 11", 11, "Softmax", "x", {"axis": 3}, {}),
    ("ReduceMean of opset 13", 13, "ReduceMean", "x", {"axes": [2, 3], "keepdims": 0}, {}),
    ("Split of opset 11", 11, "Split", "x", {"axis": 1, "split": [4]}, {}),
    ("Dropout of opset 10", 10, "Dropout", "x", {"ratio": 0.3}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("opset", "op", "inputs", "attributes", "arrays"), [row[1:] for row in OLD], ids=[r[0] for r in OLD]
)
def test_old_operator_sets(opset, op, inputs, attributes, arrays):
    """What an operator reads from attributes before some opset, and from inputs since."""
    check(graph([(op, inputs, "y", attributes)], arrays, opset=opset), X)


def test_normalisations():
    """Instance and group normalisation; groups have their scales before opset 21, channels since."""
    arrays = {"s": weights(4), "b": weights(4)}
    check(graph([("InstanceNormalization", "x,s,b", "y", {"epsilon": 1e-3})], arrays), X)
    of_channels = graph([("GroupNormalization", "x,s,b", "y", {"num_groups": 2})], arrays, opset=21)
    check(of_channels, X)
    of_groups = graph(
        [("GroupNormalization", "x,s,b", "y", {"num_groups": 2})], {"s": weights(2), "b": weights(2)}
    )
    repeated = {"s": np.repeat(weights(2), 2), "b": np.repeat(weights(2), 2)}
    same = graph([("GroupNormalization", "x,s,b", "y", {"num_groups": 2})], repeated, opset=21)
    np.testing.assert_allclose(
        convert.from_onnx(of_groups)(to_last(X)), convert.from_onnx(same)(to_last(X)), rtol=1e-5, atol=1e-5
    )


def test_unpooling():
    """MaxUnpool puts values where the MaxPool of the same graph found them, at odd sizes too."""
    windows = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        ("MaxPool", "x", "p,i", windows),
        ("Neg", "p", "n", {}),
        ("MaxUnpool", "n,i,size", "y", windows),
    ]
    check(graph(nodes, {"size": np.int64([1, 2, 7, 5])}, shape=(1, 2, 7, 5)), weights(1, 2, 7, 5))
    check(graph([*nodes[:2], ("MaxUnpool", "n,i", "y", windows)]), X)


def test_identity_on_an_initializer():
    """A weight may pass through Identity and arithmetic of constants."""
    nodes = [
        ("Identity", "w", "w1", {}),
        ("Mul", "w1,half", "w2", {}),
        ("ConvTranspose", "x,w2", "y", {"strides": [2, 2]}),
    ]
    check(graph(nodes, {"w": weights(4, 3, 2, 2), "half": np.float32(0.5)}), X)


def test_double_precision_is_kept():
    """The type of the graph's input is that of every layer."""
    nodes = [("Relu", "x", "a", {}), ("ConvTranspose", "a,w", "b", {}), ("Sigmoid", "b", "y", {})]
    model = graph(nodes, {"w": weights(4, 3, 2, 2).astype("float64")}, kinds=onnx.TensorProto.DOUBLE)
    assert convert.from_onnx(model)(to_last(X).astype("float64")).dtype == "float64"


CONVENTIONS = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("mode", ["linear", "cubic", *ROUNDINGS])
def test_resize_between_known_sizes(mode, convention):
    """Every mode, rounding and coordinate rule, larger and smaller, by sizes and by scales."""
    options = {"mode": "nearest", "nearest_mode": mode} if mode in ROUNDINGS else {"mode": mode}
    if mode == "cubic":
        options.update(cubic_coeff_a=-0.5, exclude_outside=int(convention == "half_pixel"))
    options["coordinate_transformation_mode"] = convention
    for array, inputs in (
        (np.int64([1, 4, 9, 5]), "x,,,s"),
        (np.float32([1, 1, 1.5, 2.6]), "x,,s"),
        (np.float32([1, 1, 0.7, 0.5]), "x,,s"),
    ):
        check(graph([("Resize", inputs, "y", options)], {"s": array}, opset=19), X)


QUANTIZED = {
    "s": np.float32(0.05), "z": np.uint8(120), "w": np.int8([[[[3]], [[-7]], [[9]], [[1]]]] * 3),
    "ws": np.float32([0.01, 0.02, 0.03]), "wz": np.int8([0, 1, 2]),
}  # fmt: skip


def test_quantized_models_compute_with_the_same_numbers():
    """QuantizeLinear and DequantizeLinear around layers, and weights stored as whole numbers."""
    nodes = [
        ("QuantizeLinear", "x,s,z", "q", {}), ("DequantizeLinear", "q,s,z", "d", {}),
        ("DequantizeLinear", "w,ws,wz", "k", {"axis": 0}), ("Conv", "d,k", "y", {}),
    ]  # fmt: skip
    check(graph(nodes, QUANTIZED, opset=13), X)


def test_conditions():
    """Comparisons and Where, with constants and computed tensors."""
    nodes = [
        ("Greater", "x,z", "a", {}), ("Less", "x,o", "b", {}), ("And", "a,b", "m", {}),
        ("Neg", "x", "n", {}), ("Where", "m,n,z", "y", {}),
    ]  # fmt: skip
    check(graph(nodes, {"z": np.float32(0.1), "o": np.float32(1)}), X)


EXPORTED = ("FSRCNN", "U-Net", "V-Net", "HiFi-GAN", "StyleGAN block", "DCGAN")


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("exporter", ["TorchScript", "dynamo"])
def test_networks_of_both_exporters(exporter, tmp_path):
    """Whole networks that PyTorch exports come out as ONNX files, and out of these as the same numbers."""
    torch = pytest.importorskip("torch")
    if exporter == "dynamo":
        pytest.importorskip("onnxscript")
    from convert.torch_networks import NETWORKS, randomised

    names = (
        EXPORTED if exporter == "TorchScript" else (*EXPORTED, "SegNet", "ENet", "U-Net with align_corners")
    )
    for name in names:  # one test: PyTorch's exporters take seconds to start
        make, shape = NETWORKS[name]
        module = randomised(make())
        x = torch.from_numpy(weights(*shape))
        with torch.no_grad():
            expected = module(x).numpy()
        path = str(tmp_path / "network.onnx")
        with warnings.catch_warnings():  # both exporters warn about PyTorch's own code
            warnings.simplefilter("ignore")
            torch.onnx.export(module, (x,), path, dynamo=exporter == "dynamo", verbose=False)
        answer = to_first(convert.from_onnx(path)(to_last(x.numpy())))
        np.testing.assert_allclose(
            answer, expected, rtol=0, atol=1e-4 * max(1, np.abs(expected).max()), err_msg=name
        )
