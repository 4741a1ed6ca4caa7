"""ONNX graphs that compute with the sizes of their tensors."""

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.convert.graph.values import UnknownSize
from tfdeconv.convert.onnx.folding import fold_sizes

pytest.importorskip("onnx")
from convert.onnx_graphs import X, check, graph, to_first, to_last, weights


def test_sizes_are_folded():
    """Shape, Gather and what exporters compute with sizes vanish, whether sizes are known or not."""
    nodes = [
        ("Shape", "x", "s", {}),
        ("Gather", "s,two", "h", {}),
        ("Mul", "h,two", "h2", {}),
        ("Unsqueeze", "h2,zero", "h3", {}),
        ("Slice", "s,three,four", "w", {}),
        ("Mul", "w,twos", "w2", {}),
        ("Slice", "s,zero,twos", "nc", {}),
        ("Concat", "nc,h3,w2", "target", {"axis": 0}),
        ("Resize", "x,,,target", "y", {"mode": "linear"}),
    ]
    arrays = {
        "two": np.int64(2), "twos": np.int64([2]), "zero": np.int64([0]), "three": np.int64([3]),
        "four": np.int64([4]),
    }  # fmt: skip
    for shape in ((1, 4, 6, 8), ("n", 4, "h", "w")):
        check(graph(nodes, arrays, shape=shape), X)


SIZES = [("Shape", "x", "s", {}), ("Slice", "s,two,four", "sizes", {})]
NUMBERS = {
    "two": np.int64([2]), "four": np.int64([4]),
    "parts": np.int64([2, 3]), "none": np.int64([0] * 6), "spatial": np.int64([2, 3]),
    "ones": np.int64([1, 1]), "zeros": np.int64([0, 0]), "minus": np.int64([-1]),
}  # fmt: skip


@pytest.mark.parametrize("ends", ["sizes", "shorter"])
def test_a_slice_to_the_own_size_of_an_axis(ends):
    """x[:, :, :size] is all of it, x[:, :, :size - 1] all but the last sample."""
    nodes = [*SIZES, ("Add", "sizes,minus", "shorter", {}), ("Slice", f"x,zeros,{ends},spatial", "y", {})]
    check(graph(nodes, NUMBERS, shape=("n", 4, "h", "w")), X)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_slice_of_sequences(data_format):
    """Sequences of any length are cropped at both ends in either layout."""
    arrays = {"start": np.int64([1]), "end": np.int64([-2]), "axis": np.int64([2])}
    model = graph([("Slice", "x,start,end,axis", "y", {})], arrays, shape=("n", 4, "w"))
    x = weights(2, 4, 9)
    answer = np.array(
        convert.from_onnx(model, data_format=data_format)(
            x if data_format == "channels_first" else to_last(x)
        )
    )
    np.testing.assert_array_equal(
        answer if data_format == "channels_first" else to_first(answer), x[:, :, 1:-2]
    )


def test_a_remainder_of_sizes_has_the_sign_that_is_asked_for():
    """Mod follows the divisor, and with fmod the number; the quotient of integers goes towards zero."""
    for attributes, expected in (({}, [6, 3]), ({"fmod": 1}, [-4, -7])):
        array = np.array([UnknownSize(None), 4, 7], object)
        negative = fold_sizes("Neg", [array], {})
        found = fold_sizes("Mod", [negative, np.int64(10)], attributes)
        assert found[1:].tolist() == expected
    assert fold_sizes("Div", [negative, np.int64(3)], {})[1:].tolist() == [-1, -2]


DEPENDENT = {
    "two multiples": ([("Mod", "n,parts", "m", {}), ("Concat", "none,m", "p", {"axis": 0})], "x,p", "Pad"),
    "zeros in front": (
        [("Mod", "n,four", "m", {}), ("Concat", "zeros,m,zeros,zeros", "p", {"axis": 0})], "x,p", "Pad"
    ),
    "from the middle": ([("Add", "sizes,ones", "e", {})], "z,zeros,e,spatial", "Slice"),
    "half of another": ([("Div", "sizes,two", "e", {})], "z,zeros,e,spatial", "Slice"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEPENDENT)
def test_other_numbers_from_unknown_sizes_are_computed(name):
    """Pads and cuts follow the sizes of the input, whatever is computed with them."""
    between, inputs, op = DEPENDENT[name]
    nodes = [
        *SIZES,
        ("Neg", "sizes", "n", {}),
        ("Resize", "x,,scales", "z", {}),
        *between,
        (op, inputs, "y", {}),
    ]
    arrays = {**NUMBERS, "scales": np.float32([1, 1, 3, 3])}
    check(graph(nodes, arrays, shape=("n", 4, "h", "w")), X)


def test_a_split_axis_that_is_no_shuffle_is_computed_where_sizes_are_known():
    """A channel shuffle, and an operator between the Reshapes, with sizes that are fixed."""
    arrays = {"apart": np.int64([1, 2, 2, 6, 8]), "whole": np.int64([1, 4, 6, 8])}
    nodes = [
        ("Reshape", "x,apart", "a", {}),
        ("Transpose", "a", "b", {"perm": [0, 2, 1, 3, 4]}),
        ("Reshape", "b,whole", "c", {}),
        ("Reshape", "c,apart", "d", {}),
        ("Softmax", "d", "e", {"axis": 1}),
        ("Reshape", "e,whole", "y", {}),
    ]
    check(graph(nodes, arrays), X)
