"""ONNX nodes that are broken, or not understood, are refused by name."""

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.errors import ConversionError

pytest.importorskip("onnx")
from convert.onnx_graphs import graph, weights

BROKEN = [
    ("Resize", "x,,,p", {}, {"p": np.int64([2, 3, 12, 16])}),
    ("Conv", "x,w", {}, {"w": weights(5, 3, 3, 3)}),
    ("Conv", "x,w,b", {}, {"w": weights(5, 4, 3, 3), "b": weights(4)}),
    ("Conv", "x,w", {"strides": [2]}, {"w": weights(5, 4, 3, 3)}),
    ("ConvTranspose", "x,w", {"group": 3}, {"w": weights(4, 3, 3, 3)}),
    ("Concat", "x,w", {"axis": 9}, {"w": weights(2, 4, 6, 8)}),
    ("DepthToSpace", "x", {"blocksize": 3}, {}),
    ("Pad", "x,p", {}, {"p": np.int64([1, 2])}),
    ("Reshape", "x,p", {}, {"p": np.int64([2, 7, -1])}),
    ("Gather", "x,p", {"axis": 1}, {"p": np.int64([9])}),
    ("Split", "x,p", {"axis": 1}, {"p": np.int64([3, 3])}),
    ("PRelu", "x,w", {}, {"w": weights(3, 1, 1)}),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "arrays"), BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_nodes_are_named(op, inputs, attributes, arrays):
    """What fits nowhere is a ConversionError that names the node, whichever library finds out."""
    nodes = [(op, inputs, "y", attributes)]
    with pytest.raises(ConversionError, match=rf"Node '{op}_0' \({op}\)"):
        convert.from_onnx(graph(nodes, arrays, shape=(2, 4, 6, 8)))


def test_constants_that_cannot_be_computed_are_named():
    """The reference implementation's error, with the node's name."""
    nodes = [("Reshape", "c,s", "w", {}), ("Conv", "x,w", "y", {})]
    with pytest.raises(ConversionError, match=r"Node 'Reshape_0' \(Reshape\) computes with constants"):
        convert.from_onnx(graph(nodes, {"c": weights(5, 4, 3, 3), "s": np.int64([7, 7])}))


NORM = {"s": weights(4), "b": weights(4), "m": weights(4), "v": np.abs(weights(4))}
REFUSED = [
    ("BatchNormalization", "x,s,b,m,v", {"training_mode": 1}, NORM, 18, r"training_mode=1"),
    ("Dropout", "x,r,t", {}, {"r": np.float32(0.5), "t": np.array(True)}, 18, r"\(training_mode\)"),
    ("Conv", "x,w", {"kernel_shape": [2, 2]}, {"w": weights(2, 4, 3, 3)}, 18, r"kernel_shape=\[2, 2\]"),
    ("Conv", "x,w", {"auto_pad": "ODD"}, {"w": weights(2, 4, 3, 3)}, 18, r"auto_pad='ODD'"),
    ("Relu", "x", {"sparkle": 1}, {}, 18, r"Node 'Relu_0' \(Relu\) has the attribute sparkle=1"),
    ("BatchNormalization", "x,s,b,m,v", {"spatial": 0}, NORM, 7, r"spatial=0"),
    ("Resize", "x,,z", {"antialias": 1}, {"z": np.float32([1, 1, 2, 2])}, 18, r"antialias=1"),
    ("Reshape", "x,z", {}, {"z": np.int64([-1, 3])}, 18, r"mixes the batch"),
    ("Softmax", "x", {"axis": 1}, {}, 11, r"all axes from 1"),
    ("ReduceSum", "x,z", {}, {"z": np.int64([0])}, 18, r"over the batch axis"),
    ("AveragePool", "x", {"kernel_shape": [2, 2], "dilations": [2, 2]}, {}, 19, r"dilations=\(2, 2\)"),
    ("DepthToSpace", "x", {"blocksize": 2, "mode": "XYZ"}, {}, 18, r"mode='XYZ'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "arrays", "opset", "reason"), REFUSED, ids=[r[-1] for r in REFUSED]
)
def test_what_is_not_understood_is_refused(op, inputs, attributes, arrays, opset, reason):
    """Training modes and attributes that no converter reads are named, never skipped."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_onnx(graph([(op, inputs, "y", attributes)], arrays, opset=opset))


def test_batch_statistics_as_outputs_are_training():
    """Before opset 14 more than one output means training."""
    nodes = [("BatchNormalization", "x,s,b,m,v", "y,p,q,r,t", {})]
    with pytest.raises(ConversionError, match=r"5 outputs"):
        convert.from_onnx(graph(nodes, NORM, opset=9))
