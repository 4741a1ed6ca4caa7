"""Small ONNX graphs, and what ONNX Runtime computes of them."""

import numpy as np
import pytest

from tfdeconv import convert

onnx = pytest.importorskip("onnx")  # examples are looked for in every module, this one too
runtime = pytest.importorskip("onnxruntime")
helper, numpy_helper = onnx.helper, onnx.numpy_helper


def weights(*shape, seed=11):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def graph(nodes, arrays=None, shape=(1, 4, 6, 8), opset=18, outputs=("y",), kinds=onnx.TensorProto.FLOAT):
    """A model of ``nodes`` from "x"; nodes are (operator, inputs, outputs, attributes)."""
    made = [
        helper.make_node(op, inputs.split(","), results.split(","), name=f"{op}_{index}", **attributes)
        for index, (op, inputs, results, attributes) in enumerate(nodes)
    ]
    model = helper.make_model(
        helper.make_graph(
            made,
            "graph",
            [helper.make_tensor_value_info("x", kinds, shape)],
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    model.ir_version = 9
    return model


def run(model, x):
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def to_last(x):
    return np.moveaxis(x, 1, -1) if x.ndim > 2 else x


def to_first(y):
    y = np.array(y)
    return np.moveaxis(y, -1, 1) if y.ndim > 2 else y


def check(model, x, tolerance=1e-4):
    expected = run(model, x)
    answer = to_first(convert.from_onnx(model)(to_last(x)))
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


X = weights(1, 4, 6, 8, seed=3)
