"""Random attributes of ONNX's ConvTranspose give ONNX Runtime's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tfdeconv as td

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def run(x: Any, weight: Any, attributes: dict[str, Any]) -> Any:
    """One ConvTranspose node in ONNX Runtime."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", number, x.shape)],
        [helper.make_tensor_value_info("y", number, None)],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def draw(rng: np.random.Generator, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Input sizes, kernel size and attributes."""

    def per_axis(low: int, high: int) -> list[int]:
        return [int(value) for value in rng.integers(low, high + 1, rank)]

    sizes, kernel, strides, dilations = per_axis(2, 5), per_axis(1, 4), per_axis(1, 3), per_axis(1, 2)
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "group": int(rng.choice([1, 2])),
    }
    form = rng.choice(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "output_shape"])
    if form == "output_shape":
        full = [
            td.geometry.full_size(i, k, s, d)
            for i, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
        ]
        attributes["output_shape"] = [int(rng.integers(max(1, size - 3), size + 1)) for size in full]
        if rng.random() < 0.5:
            attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER"]))
    else:
        if form == "pads":
            attributes["pads"] = per_axis(0, 2) + per_axis(0, 2)
        else:
            attributes["auto_pad"] = str(form)
        attributes["output_padding"] = [int(rng.integers(0, stride)) for stride in strides]
    return tuple(sizes), tuple(kernel), attributes


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("rank", [1, 2])
def test_random_attributes(rank: int, seed: int) -> None:
    """Windows from geometry.onnx_window, within 1e-4 relative."""
    rng = np.random.default_rng([rank, seed, 7])
    while True:
        sizes, kernel_size, attributes = draw(rng, rank)
        try:
            windows = [window_of(axis, sizes, attributes) for axis in range(rank)]
        except td.errors.InvalidArgumentError:
            continue  # no output sample is left
        break
    group = attributes["group"]
    x = rng.normal(size=(2, 4, *sizes)).astype("float32")
    weight = rng.normal(size=(4, 3, *kernel_size)).astype("float32")
    expected = run(x, weight, attributes)
    padding = []
    for axis, window in enumerate(windows):
        stride, dilation = attributes["strides"][axis], attributes["dilations"][axis]
        full = td.geometry.full_size(sizes[axis], kernel_size[axis], stride, dilation)
        padding.append((window.lead, full - window.lead - window.size))
    got = td.ops.conv_transpose(
        x,
        np.transpose(weight, [*range(2, rank + 2), 1, 0]),
        strides=attributes["strides"],
        dilation_rate=attributes["dilations"],
        padding=padding,
        groups=group,
        data_format="channels_first",
    ).numpy()
    assert got.shape == expected.shape, (sizes, attributes)
    atol = 1e-4 * np.abs(expected).max(initial=1e-6)
    np.testing.assert_allclose(got, expected, rtol=0, atol=atol, err_msg=f"{sizes} {attributes}")


def window_of(axis: int, sizes: tuple[int, ...], attributes: dict[str, Any]) -> td.Window:
    """The window of one axis."""
    rank = len(sizes)
    pads = attributes.get("pads", [0] * 2 * rank)
    return td.geometry.onnx_window(
        sizes[axis],
        attributes["kernel_shape"][axis],
        attributes["strides"][axis],
        pads=(pads[axis], pads[rank + axis]),
        output_padding=attributes.get("output_padding", [0] * rank)[axis],
        output_size=attributes["output_shape"][axis] if "output_shape" in attributes else None,
        auto_pad=attributes.get("auto_pad", "NOTSET"),
        dilation_rate=attributes["dilations"][axis],
    )


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode: str) -> None:
    """ONNX's DepthToSpace in both modes is pixel_shuffle, channels first."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    x = np.random.default_rng(0).normal(size=(2, 12, 3, 4)).astype("float32")
    node = helper.make_node("DepthToSpace", ["x"], ["y"], blocksize=2, mode=mode)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", number, x.shape)],
        [helper.make_tensor_value_info("y", number, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    got = td.ops.pixel_shuffle(x, 2, order=mode.lower(), data_format="channels_first")
    np.testing.assert_array_equal(got.numpy(), session.run(None, {"x": x})[0])
