"""The arithmetic of the explorer is that of the package: the same numbers, the same errors."""

import itertools
import json
import math
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tfdeconv import analysis, geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Window

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "tfdeconv" / "web" / "explorer"
CONFIGURATIONS = 10_000

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def attempt(make):
    try:
        return make()
    except InvalidArgumentError as error:
        return {"error": str(error)}


def draw(rng):
    """One configuration in the words of each framework, legal or not."""
    stride, dilation = rng.randint(0 if rng.random() < 0.02 else 1, 5), rng.choice([1, 1, 1, 2, 3])
    kernel, size = rng.randint(1, 7), rng.randint(0 if rng.random() < 0.02 else 1, 6)
    padding = rng.choice(
        ["same", "valid", "SAME", "odd", rng.randint(-1, 4), (rng.randint(-1, 3), rng.randint(-3, 3))]
    )
    extra = rng.choice([None, None, rng.randint(-1, 5)])
    # Half of the requested sizes are near the legal ones, so that both answers occur.
    near = (max(size, 1) - 1) * max(stride, 1) + 1 + rng.randint(-1, 6)
    output = rng.choice([None, None, near, rng.randint(-1, 40)])
    return {
        "input": size,
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "keras": {"padding": padding, "outputPadding": extra, "outputSize": output},
        "torch": {"padding": rng.randint(-1, 4), "outputPadding": rng.randint(-1, 5)},
        "onnx": {
            "pads": (rng.randint(-1, 4), rng.randint(-1, 4)),
            "outputPadding": rng.randint(-1, 4),
            "outputSize": rng.choice([None, None, near, rng.randint(-1, 40)]),
            "autoPad": rng.choice(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "SAME"]),
        },
    }


def expected_windows(question):
    sizes = (question["input"], question["kernel"], question["stride"])
    d, keras, torch, onnx = (question[name] for name in ("dilation", "keras", "torch", "onnx"))
    found = {
        "keras": attempt(
            lambda: geometry.window(
                *sizes,
                padding=keras["padding"],
                output_padding=keras["outputPadding"],
                output_size=keras["outputSize"],
                dilation_rate=d,
            )
        ),
        "torch": attempt(lambda: geometry.torch_window(*sizes, torch["padding"], torch["outputPadding"], d)),
        "onnx": attempt(
            lambda: geometry.onnx_window(
                *sizes,
                pads=onnx["pads"],
                output_padding=onnx["outputPadding"],
                output_size=onnx["outputSize"],
                auto_pad=onnx["autoPad"],
                dilation_rate=d,
            )
        ),
        "range": attempt(lambda: geometry.output_size_range(*sizes, keras["padding"], d)),
    }
    legal = found["range"]
    if isinstance(legal, range):
        found["range"] = [legal.start, legal.stop - 1] if legal else None
    return {
        name: {"lead": value.lead, "size": value.size} if isinstance(value, Window) else value
        for name, value in found.items()
    }


def add_values(question, rng, windows):
    """Give a legal configuration an axis or two, and values."""
    found = [(name, windows[name]) for name in ("keras", "torch", "onnx") if "size" in windows[name]]
    if not found or not question["input"]:  # the page has no input without samples
        return
    words, window = rng.choice(found)
    one = [question[name] for name in ("input", "kernel", "stride", "dilation")] + [
        window["lead"],
        window["size"],
    ]
    k, s = rng.randint(1, 4), rng.randint(1, 3)
    other = [2, k, s, 1, *geometry.window(2, k, s, padding=rng.choice(["same", "valid"]))]
    axes = rng.choice([[one], [one, other], [other, one], [one, one]])
    counts = [math.prod(axis[index] for axis in axes) for index in (0, 1)]
    question |= {"axes": axes, "words": words}
    question["x"], question["w"] = ([round(rng.gauss(0, 3), 2) for _ in range(count)] for count in counts)


@pytest.fixture(scope="module")
def answered():
    """10,000 questions and node's answers."""
    rng = random.Random(17)
    questions = [draw(rng) for _ in range(CONFIGURATIONS)]
    windows = [expected_windows(question) for question in questions]
    for question, found in zip(questions, windows, strict=True):
        add_values(question, rng, found)
    lines = "\n".join(map(json.dumps, questions))
    result = subprocess.run(
        ["node", str(HERE / "explorer_answers.js"), str(FOLDER)],
        input=lines,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answers = list(map(json.loads, result.stdout.splitlines()))
    assert len(answers) == CONFIGURATIONS
    return list(zip(questions, windows, answers, strict=True))


def computed(answered):
    for question, _, answer in answered:
        if "axes" in question:
            sizes, kernels, strides, rates, leads, outputs = map(tuple, zip(*question["axes"], strict=True))
            full = map(geometry.full_size, sizes, kernels, strides, rates)
            crops = [
                (lead, all_ - lead - size) for all_, lead, size in zip(full, leads, outputs, strict=True)
            ]
            config = analysis.configuration(
                sizes, kernels, strides=strides, padding=crops, dilation_rate=rates
            )
            x = np.reshape(question["x"], config.input_size)
            kernel = np.reshape(question["w"], config.kernel_size)
            yield config, x, kernel, question, answer["computed"]


def test_windows_ranges_and_errors(answered):
    """Every convention gives the same window, the same legal sizes or the same sentence."""
    different = [
        (question, windows, answer["windows"])
        for question, windows, answer in answered
        if windows != answer["windows"]
    ]
    assert different[:3] == []
    kinds = {name: [windows[name] for _, windows, _ in answered] for name in ("keras", "torch", "onnx")}
    for found in kinds.values():  # both answers were compared, many times
        errors = sum("error" in one for one in found)
        assert CONFIGURATIONS // 5 < errors < CONFIGURATIONS * 9 // 10


def test_the_outputs(answered):
    """Stamps, zero insertion and the matrix give the output of a plain loop."""
    checked = 0
    for config, x, kernel, _, answer in computed(answered):
        spans = [(a.stride, a.dilation_rate, a.window.lead, a.window.size) for a in config.axes]
        y = plain_output(x, kernel, spans)
        for view in ("y", "zeroInsertion", "product"):
            np.testing.assert_allclose(answer[view], y.ravel(), rtol=0, atol=1e-9, err_msg=f"{view} {config}")
        checked += 1
    assert checked > CONFIGURATIONS // 2


def plain_output(x, kernel, spans):
    """The definition, tap by tap: each adds the whole input, spread by the strides, to the full output."""
    reach = [
        (size - 1) * stride + (taps - 1) * dilation + 1
        for size, taps, (stride, dilation, _, _) in zip(x.shape, kernel.shape, spans, strict=True)
    ]
    full = np.zeros([max(span, lead + size) for span, (_, _, lead, size) in zip(reach, spans, strict=True)])
    for tap in np.ndindex(kernel.shape):
        places = tuple(
            slice(a * dilation, a * dilation + (size - 1) * stride + 1, stride)
            for a, size, (stride, dilation, _, _) in zip(tap, x.shape, spans, strict=True)
        )
        full[places] += x * kernel[tap]
    return full[tuple(slice(lead, lead + size) for _, _, lead, size in spans)]


def test_the_analysis(answered):
    """Matrix, overlap counts, phase sums, score, sentences and calls are those of tfdeconv.analysis."""
    for config, x, kernel, _, answer in itertools.islice(computed(answered), 0, None, 4):
        options = {"strides": config.strides, "dilation_rate": config.dilation_rate}
        window = {**options, "padding": config.crops}
        matrix = analysis.operator_matrix(kernel, config.input_size, **window)
        np.testing.assert_allclose(answer["matrix"], matrix.ravel(), rtol=0, atol=1e-12)
        counts = analysis.overlap(config.input_size, config.kernel_size, **window)
        assert answer["counts"] == counts.counts.ravel().tolist()
        assert answer["phaseCounts"] == counts.phases.ravel().tolist()
        sums = analysis.phase_sums(kernel, config.strides, config.dilation_rate)
        np.testing.assert_allclose(answer["sums"], sums.ravel(), rtol=0, atol=1e-12)
        score = analysis.checkerboard_score(kernel, config.strides, config.dilation_rate)
        assert answer["score"] == pytest.approx(score, abs=1e-12)
        middle = tuple(size // 2 for size in config.output_size)
        sentence = str(analysis.contributions(middle, x, kernel, **window))
        assert answer["sentence"].rpartition(" = ")[0] == sentence.rpartition(" = ")[0]
        calls = [
            {"framework": call.framework, "call": call.call, "note": call.note}
            for call in analysis.equivalents(config)
        ]
        assert answer["calls"] == calls
        assert answer["linear"] == [geometry.linear_kernel(size) for size in config.kernel_size]


def test_resize_convolution_is_one_kernel(answered):
    """Resizing and convolving in JavaScript equals the fused kernel, and NumPy's own."""
    for config, x, kernel, _, answer in computed(answered):
        np.testing.assert_allclose(answer["resized"], answer["fused"], rtol=0, atol=1e-9)
        repeated = x
        for axis, stride in enumerate(config.strides):
            repeated = np.repeat(repeated, stride, axis)
        before = [(size - 1) // 2 for size in kernel.shape]
        padded = np.pad(repeated, [(b, size - 1 - b) for b, size in zip(before, kernel.shape, strict=True)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
        y = np.tensordot(windows, kernel, axes=kernel.ndim)
        np.testing.assert_allclose(answer["resized"], y.ravel(), rtol=0, atol=1e-9)


def test_other_words_select_the_same_window(answered):
    """Switching the words, and the link of the result, keep the window or say that there are no words."""
    said, kept = 0, 0
    for config, _, _, _, answer in computed(answered):
        for found in answer["translated"]:
            assert found["same"]
            if found["note"]:
                said += 1
                assert found["words"] != "keras"
            else:
                kept += 1
                assert found["windows"] == [list(window) for window in config.windows]
    assert said > 100
    assert kept > CONFIGURATIONS
