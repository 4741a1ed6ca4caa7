"""Windows of every convention against formulas written down independently, and brute force."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import tfdeconv as td
from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import ConvTransposeGeometry

GRID = list(itertools.product([1, 2, 3, 5, 7], [1, 2, 3, 4, 5], [1, 2, 3, 4], [1, 2, 3]))  # i, k, s, d


def effective(k: int, d: int) -> int:
    return (k - 1) * d + 1


def forward_sizes(k: int, s: int, d: int, pads: int | str, i: int) -> list[int]:
    """Brute force: the input sizes that a forward convolution maps to ``i`` outputs."""
    ke, found = effective(k, d), []
    for size in range(1, (i + 2) * s + ke + 20):
        if pads == "same":
            outputs = math.ceil(size / s)
        else:
            outputs = len(range(0, size + (pads if isinstance(pads, int) else 0) - ke + 1, s))
        if outputs == i:
            found.append(size)
    return found


def test_pytorch_and_caffe() -> None:
    """Lead p, size (i-1)s - 2p + ke + op, for every op below max(s, d); Caffe: op = 0."""
    checked = 0
    for i, k, s, d in GRID:
        for p, op in itertools.product([0, 1, 2, 4], range(max(s, d))):
            size = (i - 1) * s - 2 * p + effective(k, d) + op
            if size > 0:
                assert geometry.torch_window(i, k, s, p, op, d) == (p, size)
                assert geometry.onnx_window(i, k, s, pads=(p, p), output_padding=op, dilation_rate=d) == (
                    p,
                    size,
                )
                checked += 1
    assert checked > 2000


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_tensorflow_with_a_given_size(padding: str) -> None:
    """SAME: lead max((i-1)s + ke - O, 0) // 2 where ceil(O/s) == i. VALID: 0 where ceil((O-ke+1)/s) == i."""
    for i, k, s, d in GRID:
        ke = effective(k, d)
        for size in range(1, (i + 1) * s + ke + 2):
            legal = math.ceil(size / s) == i if padding == "same" else math.ceil((size - ke + 1) / s) == i
            if not legal:
                with pytest.raises(InvalidArgumentError, match=rf"must lie in .*received {size}\."):
                    geometry.window(i, k, s, padding=padding, output_size=size, dilation_rate=d)
                continue
            lead = max((i - 1) * s + ke - size, 0) // 2 if padding == "same" else 0
            assert geometry.window(i, k, s, padding=padding, output_size=size, dilation_rate=d) == (
                lead,
                size,
            )


def test_keras_sizes() -> None:
    """Keras's own arithmetic for "same" and "valid", without and with output_padding."""
    for i, k, s, d in GRID:
        ke = effective(k, d)
        for padding, op in itertools.product(["same", "valid"], [None, *range(s)]):
            if op is None:
                size = i * s if padding == "same" else (i - 1) * s + max(ke, s)
            elif padding == "same":
                size = (i - 1) * s + ke - 2 * (ke // 2) + op
                if ke % 2 == 0 and op == 0:
                    with pytest.raises(InvalidArgumentError, match="output_padding must be at least 1"):
                        geometry.crops(k, s, padding=padding, output_padding=op, dilation_rate=d)
                    continue
            else:
                size = (i - 1) * s + ke + op
            lead = max((i - 1) * s + ke - size, 0) // 2 if padding == "same" else 0
            window = geometry.window(i, k, s, padding=padding, output_padding=op, dilation_rate=d)
            assert window == (lead, size), (i, k, s, d, padding, op)


def test_pairs() -> None:
    """(before, after): lead before, size F - before - after; a negative after goes past the end."""
    for i, k, s, d in GRID:
        full = (i - 1) * s + effective(k, d)
        for before, after in itertools.product([0, 1, 3], [-4, -1, 0, 2]):
            if full - before - after > 0:
                window = geometry.window(i, k, s, padding=(before, after), dilation_rate=d)
                assert window == (before, full - before - after)


def test_onnx_auto_pad() -> None:
    """SAME_*: at most i*s samples, the smaller half of the crop in front for UPPER; VALID: everything.

    Pads are never negative: where the natural size is below i*s (stride above the kernel), ONNX Runtime
    and ONNX's shape inference return the natural size.
    """
    for i, k, s, d in GRID:
        for op in range(max(s, d)):
            natural = s * (i - 1) + op + effective(k, d)
            total = max(natural - i * s, 0)
            size = natural - total
            options = {"output_padding": op, "dilation_rate": d}
            assert geometry.onnx_window(i, k, s, auto_pad="SAME_UPPER", **options) == (total // 2, size)
            assert geometry.onnx_window(i, k, s, auto_pad="SAME_LOWER", **options) == (
                total - total // 2,
                size,
            )
            assert geometry.onnx_window(i, k, s, auto_pad="VALID", **options) == (0, natural)
            assert geometry.onnx_window(i, k, s, auto_pad="VALID", pads=(1, 2), **options) == (0, natural)


def test_onnx_output_shape() -> None:
    """output_shape replaces pads; what exceeds the natural size goes to the end."""
    for i, k, s, d in GRID:
        for op, size in itertools.product(range(max(s, d)), [1, i, i * s, i * s + 3]):
            total = max(s * (i - 1) + op + effective(k, d) - size, 0)
            options = {"output_padding": op, "output_size": size, "dilation_rate": d}
            upper = geometry.onnx_window(i, k, s, auto_pad="SAME_UPPER", **options)
            other = geometry.onnx_window(i, k, s, pads=(1, 1), **options)
            assert (upper, other) == ((total // 2, size), (total - total // 2, size))


def test_pytorch_doubling_is_not_keras_same() -> None:
    """k=3, s=2, p=1, op=1 has Keras's shape but starts one sample later; k=4, s=2, p=1 is Keras's."""
    assert geometry.torch_window(5, 3, 2, 1, 1) == (1, 10)
    assert geometry.window(5, 3, 2, padding="same") == (0, 10)
    assert geometry.torch_window(5, 4, 2, 1, 0) == geometry.window(5, 4, 2, padding="same")
    for k in (1, 3, 5, 7):
        ours = geometry.window(5, k, 2, padding="same", output_padding=0)
        assert geometry.torch_window(5, k, 2, (k - 1) // 2, 0) == ours


@pytest.mark.parametrize(
    ("relationship", "i", "k", "s", "p", "a", "size"),
    [
        (8, 2, 3, 1, 0, 0, 4),
        (9, 6, 4, 1, 2, 0, 5),
        (10, 5, 3, 1, 1, 0, 5),
        (11, 7, 3, 1, 2, 0, 5),
        (12, 2, 3, 2, 0, 0, 5),
        (13, 3, 3, 2, 1, 0, 5),
        (14, 3, 3, 2, 1, 1, 6),
    ],
)
def test_dumoulin_and_visin(relationship: int, i: int, k: int, s: int, p: int, a: int, size: int) -> None:
    """The worked examples of "A guide to convolution arithmetic", relationships 8 to 14."""
    assert geometry.torch_window(i, k, s, p, a).size == size


def test_dumoulin_and_visin_dilation() -> None:
    """Relationship 15: a dilated kernel acts as one of k + (k - 1)(d - 1) taps."""
    for _, k, _, d in GRID:
        assert geometry.effective_kernel_size(k, d) == k + (k - 1) * (d - 1)
    assert geometry.full_size(4, 3, 2, 3) == 3 * 2 + 7


def test_legal_sizes_are_those_that_map_back() -> None:
    """output_size_range holds exactly the sizes that the forward convolution maps to the input size."""
    for i, k, s, d in GRID:
        for padding in ("same", "valid", 0, 1, (1, 2)):
            pads = padding if isinstance(padding, str) else 2 * padding if isinstance(padding, int) else 3
            expected = forward_sizes(k, s, d, 0 if pads == "valid" else pads, i)
            assert list(geometry.output_size_range(i, k, s, padding, d)) == expected, (i, k, s, d, padding)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 6), st.integers(1, 4), st.data())
def test_size_round_trip(i: int, k: int, s: int, d: int, data: st.DataObject) -> None:
    """Every legal size is returned as asked for, and its window lies where the convention puts it."""
    padding = data.draw(st.sampled_from(["same", "valid", 0, 1, 2]))
    for size in geometry.output_size_range(i, k, s, padding, d):
        window = geometry.window(i, k, s, padding=padding, output_size=size, dilation_rate=d)
        assert window.size == size
        if padding == "same":
            assert geometry.forward_size(size, effective(k, d), s, "same") == i
        elif padding == "valid":
            assert geometry.forward_size(size, effective(k, d), s, "valid") == i
        else:
            assert window.lead == padding


def test_no_samples_come_of_no_samples() -> None:
    """A size of 0 is legal for 0 inputs, where the forward convolution gives none, and for no other."""
    for k, s in itertools.product(range(1, 5), range(1, 4)):
        assert geometry.output_size_range(0, k, s, "same") == range(1)
        assert 0 not in geometry.output_size_range(1, k, s, padding=k - 1)


def test_default_size_of_same_is_the_largest_legal_one() -> None:
    """Keras's i * s is the end of the range, so asking for it changes nothing."""
    for i, k, s, d in GRID:
        default = geometry.window(i, k, s, padding="same", dilation_rate=d)
        assert default.size == geometry.output_size_range(i, k, s, "same", d)[-1]
        assert geometry.window(i, k, s, padding="same", output_size=i * s, dilation_rate=d) == default


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"padding": "same", "output_size": 15},
            "must lie in [13, 14] for input 7, kernel 3, stride 2 and padding 'same'; received 15.",
        ),
        (
            {"padding": 1, "output_size": 12, "dilation_rate": 2},
            "must lie in [15, 16] for input 7, kernel 3, stride 2, dilation 2 and padding 1; received 12.",
        ),
        ({"padding": "full"}, "padding must be 'same', 'valid', an int or (before, after) pairs"),
        ({"padding": -1}, "padding must be at least 0; received -1."),
        ({"padding": 1.5}, "padding must be an int; received 1.5."),
        ({"padding": 1, "output_padding": 2}, "below max(strides, dilation_rate) = 2"),
        ({"padding": "same", "output_padding": 2}, "output_padding must be below strides = 2"),
        ({"padding": "same", "output_padding": 0, "output_size": 13}, "exclude each other"),
        ({"padding": 8}, "must leave at least 1 output sample; padding 8 leaves -1"),
        ({"dilation_rate": 0}, "dilation_rate must be at least 1; received 0."),
    ],
)
def test_errors_name_rule_value_and_fix(arguments: dict[str, object], message: str) -> None:
    """A message holds the argument, the legal range and what was received."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        geometry.window(7, 3, 2, **arguments)


def test_onnx_refuses_unknown_auto_pad() -> None:
    """The four values of the attribute are listed."""
    with pytest.raises(
        InvalidArgumentError, match="NOTSET, SAME_UPPER, SAME_LOWER or VALID; received 'SAME'"
    ):
        geometry.onnx_window(7, 3, 2, auto_pad="SAME")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: geometry.window(4, 3, 2, padding=(1, 1, 1)),
            "(before, after) pair for each axis; received (1, 1, 1).",
        ),
        (
            lambda: geometry.onnx_window(4, 3, 2, pads=(1, 1, 1)),
            r"pads must be a pair (begin, end); received",
        ),
        (lambda: geometry.onnx_window(4, 3, 2, pads=1), r"pads must be a pair (begin, end); received 1."),
        (
            lambda: geometry.window(1, 3, 1, padding=5, output_size=1),
            "must leave at least 1 output sample; padding 5 leaves -7 for input 1",
        ),
        (lambda: geometry.forward_size(4, 5, 1, "valid"), "at least kernel_size or pool_size = 5 samples"),
        (lambda: geometry.forward_size(0, 3, 1, "valid"), "at least kernel_size or pool_size = 3 samples"),
        (lambda: geometry.forward_size(0, 4, 2, "valid"), "at least kernel_size or pool_size = 4 samples"),
        (lambda: geometry.forward_size(-1, 3, 1, "same"), "input_size must be at least 0; received -1."),
        (lambda: geometry.forward_size(np.int64(4), 5, 1, "valid"), "kernel_size or pool_size = 5 samples"),
        (
            lambda: geometry.forward_size(7, 3, 2, "full"),
            "padding must be 'same' or 'valid'; received 'full'.",
        ),
        (lambda: geometry.window(np.int64(2), 3, 2, padding=3), "padding 3 leaves -1 for input 2"),
        (
            lambda: ConvTransposeGeometry.of(3, strides=2).windows([np.int64(7)], [np.int32(20)]),
            "output_shape must lie in [15, 16]",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(call: Callable[[], object], message: str) -> None:
    """Wrong numbers of entries, wrong types and empty results are refused in words."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        call()


def test_numbers_of_numpy_are_numbers() -> None:
    """Sizes that were computed with NumPy, arrays of them and TensorFlow's shapes mean what ints mean."""
    same = ConvTransposeGeometry.of(np.array([3, 4]), strides=2, padding="same")
    assert same == ConvTransposeGeometry.of((3, 4), strides=2, padding="same")
    assert ConvTransposeGeometry.of(tf.zeros([3, 4, 1, 1]).shape[:2], strides=2).rank == 2
    assert same.windows((np.int64(7), None), np.array([13, 14])) == same.windows((7, None), (13, 14))
    assert geometry.window(7, 3, 2, padding=[1, 0]) == geometry.window(7, 3, 2, padding=(1, 0))
    assert geometry.forward_size(7, 3, 2, "SAME") == 4


def test_linear_kernels() -> None:
    """Symmetric for every size, 2 f - f % 2 taps, and every phase sums to 1."""
    assert [geometry.linear_kernel_size(f) for f in range(1, 9)] == [1, 4, 5, 8, 9, 12, 13, 16]
    for taps in range(1, 12):
        kernel = geometry.linear_kernel(taps)
        assert kernel == kernel[::-1]
    for factor in range(1, 33):
        kernel = geometry.linear_kernel(geometry.linear_kernel_size(factor))
        for phase in range(factor):
            assert sum(kernel[phase::factor]) == pytest.approx(1)
        before, _ = geometry.crops(len(kernel), factor, padding="same")
        assert before == math.ceil((factor - 1) / 2)
    doubling = {a * b for a, b in itertools.product(geometry.linear_kernel(4), repeat=2)}
    assert doubling == {0.5625, 0.1875, 0.0625}


@pytest.mark.parametrize(
    ("size", "pool", "stride"), list(itertools.product(range(1, 9), range(1, 5), range(1, 4)))
)
def test_forward_size(size: int, pool: int, stride: int) -> None:
    """As many windows as start inside the input ("same") or fit into it ("valid")."""
    assert geometry.forward_size(size, pool, stride, "same") == len(range(0, size, stride))
    if size >= pool:
        assert geometry.forward_size(size, pool, stride, "valid") == len(range(0, size - pool + 1, stride))


@pytest.mark.parametrize(
    ("kernel_size", "stride", "counts"), [(3, 2, [2, 1]), (5, 3, [2, 2, 1]), (4, 2, [2, 2])]
)
def test_phases_count_the_overlap(kernel_size: int, stride: int, counts: list[int]) -> None:
    """Odena's overlap counts: how many taps reach an output of each phase."""
    found = geometry.phases(kernel_size, stride)
    assert [found.count(phase) for phase in range(stride)] == counts


def imports(code: str) -> bool:
    """Whether a fresh interpreter has TensorFlow imported after ``code``."""
    code += "; import sys; print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip() == "True"


def test_geometry_needs_no_tensorflow() -> None:
    """Windows are integers: a converter or a planner can use them where TensorFlow is not wanted."""
    assert not imports("import tfdeconv as td; td.Window(0, 1); td.geometry.full_size(2, 3, 2)")


def test_the_import_guard_can_fail() -> None:
    """The guard above sees TensorFlow where it is imported."""
    assert imports("import tfdeconv as td; td.ops.conv_transpose")


def test_public_window() -> None:
    """td.Window is the class that every function returns."""
    assert isinstance(geometry.window(2, 3, 2), td.Window)
