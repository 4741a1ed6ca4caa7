"""The N-D value answers what the functions of one axis answer, for all axes at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import ConvTransposeGeometry, CoordinateMap, Window


@st.composite
def geometries(draw):
    """Any legal geometry of 1 to 3 axes."""
    rank = draw(st.integers(1, 3))

    def numbers(lowest, highest):
        return tuple(draw(st.integers(lowest, highest)) for _ in range(rank))

    strides, rates = numbers(1, 4), numbers(1, 3)
    pair = st.tuples(st.integers(0, 3), st.integers(-2, 3))
    padding = draw(st.sampled_from(["same", "valid", 1, tuple(draw(pair) for _ in range(rank))]))
    extra = draw(st.sampled_from([None, 0, 1]))
    try:
        return ConvTransposeGeometry.of(
            numbers(1, 6), strides=strides, padding=padding, output_padding=extra, dilation_rate=rates
        )
    except InvalidArgumentError:  # this output_padding is not legal here
        return ConvTransposeGeometry.of(numbers(1, 6), strides=strides, padding="same", dilation_rate=rates)


def axis_windows(value, sizes, wanted):
    """The windows by the functions of one axis, which test_geometry.py holds against formulas."""
    return tuple(
        geometry.window(
            size,
            value.kernel_size[axis],
            value.strides[axis],
            padding=value.padding[axis],
            output_padding=None if value.output_padding is None else value.output_padding[axis],
            output_size=None if wanted is None else wanted[axis],
            dilation_rate=value.dilation_rate[axis],
        )
        for axis, size in enumerate(sizes)
    )


def answer(function, *arguments):
    """What a function returns, or the message of its error."""
    try:
        return function(*arguments)
    except InvalidArgumentError as error:
        return str(error)


@given(value=geometries(), data=st.data())
def test_windows_are_those_of_each_axis(value, data):
    """With every size an int; where an axis has no legal window, the same error."""
    sizes = [data.draw(st.integers(1, 9)) for _ in range(value.rank)]
    wanted = None
    if value.output_padding is None and data.draw(st.booleans()):
        ranges = value.output_size_ranges(sizes)
        if all(ranges):
            wanted = [data.draw(st.sampled_from(range(r.start - 1, r.stop + 1))) for r in ranges]
    expected = answer(axis_windows, value, sizes, wanted)
    assert answer(ConvTransposeGeometry.windows, value, sizes, wanted) == expected
    if wanted is None and not isinstance(expected, str):
        windows = zip(expected, value.full_sizes(sizes), strict=True)
        assert value.crops == tuple((lead, full - lead - size) for (lead, size), full in windows)
        assert value.with_crops(value.crops).windows(sizes) == expected
        assert value.with_leading_axis.windows([1, *sizes]) == ((0, 1), *expected)


@given(value=geometries(), data=st.data())
def test_tensors_give_the_numbers_that_ints_give(value, data):
    """A size known only at run time is answered by a tensor of the same value."""
    sizes = [data.draw(st.integers(1, 9)) for _ in range(value.rank)]
    ranges = value.output_size_ranges(sizes)
    asked = value.output_padding is None and all(ranges) and data.draw(st.booleans())
    wanted = [r.start for r in ranges] if asked else None
    try:
        expected = value.windows(sizes, wanted)
    except InvalidArgumentError:
        return  # there is no output
    tensors = [tf.constant(size) for size in sizes]
    found = value.windows(tensors, wanted and list(map(tf.constant, wanted)), maximum=tf.maximum)
    assert [(int(w.lead), int(w.size)) for w in found] == [tuple(w) for w in expected]
    assert [int(n) for n in value.full_sizes(tensors)] == list(value.full_sizes(sizes))
    firsts = value.smallest_output_sizes(tensors)
    assert [max(int(n), 1) for n in firsts] == [r.start for r in ranges]


def test_unknown_sizes_stay_unknown_and_nothing_else_does():
    """The lead of "same" follows from the size asked for alone: it is the pad of the convolution there."""
    same = ConvTransposeGeometry.of((3, 3, 3), strides=2, padding="same")
    assert same.windows((None, 4, None)) == ((0, None), (0, 8), (0, None))
    assert same.windows((None, 7, 7), (13, None, 13)) == ((1, 13), (None, None), (1, 13))
    assert same.coordinate_maps((None,) * 3)[0] == CoordinateMap.transposed_convolution(3, 2)
    assert same.coordinate_maps((None, 7, None), (13, 13, None)) == (
        CoordinateMap.transposed_convolution(3, 2, lead=1),
        CoordinateMap.transposed_convolution(3, 2, lead=1),
        None,
    )
    even = ConvTransposeGeometry.of(4, strides=2, padding="same")
    assert even.windows((None,), (None,)) == (Window(1, None),), "every size has the same pad"
    samples = ConvTransposeGeometry.of(4, strides=2, padding=1)
    assert samples.windows((None,), (9,)) == (Window(1, 9),)


def test_both_ways_to_choose_a_size_exclude_each_other():
    """Also where the sizes are not known yet."""
    value = ConvTransposeGeometry.of(3, strides=2, padding=1, output_padding=1)
    for sizes, wanted in [((5,), (9,)), ((None,), (9,)), ((5,), (None,))]:
        with pytest.raises(InvalidArgumentError, match=r"exclude each other; received output_padding=1"):
            value.windows(sizes, wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": (3, 0)}, "kernel_size must be at least 1; received 0"),
        ({"kernel_size": 3, "strides": (2, 2)}, "strides must be one value or 1"),
        ({"kernel_size": (3, 3), "strides": 1.5}, "strides must be an int; received 1.5"),
        ({"kernel_size": 3, "padding": "causal"}, "padding must be 'same', 'valid'"),
        ({"kernel_size": 4, "padding": "same", "output_padding": 0}, "output_padding must be at least 1"),
        ({"kernel_size": 3, "strides": 2, "padding": 1, "output_padding": 2}, "output_padding must be below"),
    ],
)
def test_arguments_are_checked_when_the_value_is_made(arguments, message):
    """There is no value without a legal window."""
    with pytest.raises(InvalidArgumentError, match=message):
        ConvTransposeGeometry.of(**{"strides": 2, **arguments})


def test_it_is_a_value():
    """Frozen, equal by its numbers, whatever form these were written in."""
    one = ConvTransposeGeometry.of([3, 3], strides=np.int64(2), padding="SAME")
    other = ConvTransposeGeometry.of(3, strides=(2, 2), padding="same", rank=2)
    assert one == other
    assert hash(one) == hash(other)
    assert one != one.with_crops(one.crops), "the padding is part of the value"
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.strides = (1, 1)


def test_onnx_in_all_axes_at_once():
    """``of_onnx`` crops what ``onnx_window`` crops, without a size where it does not matter."""
    numbers = {"strides": (2, 3), "dilation_rate": (1, 2), "output_padding": (1, 0), "pads": [(1, 0), (0, 1)]}
    for auto_pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        value = ConvTransposeGeometry.of_onnx((3, 4), auto_pad=auto_pad, **numbers)
        for axis, (window, size) in enumerate(zip(value.windows((5, 6)), (5, 6), strict=True)):
            assert window == geometry.onnx_window(
                size,
                value.kernel_size[axis],
                value.strides[axis],
                pads=numbers["pads"][axis],
                output_padding=numbers["output_padding"][axis],
                auto_pad=auto_pad,
                dilation_rate=value.dilation_rate[axis],
            )
    sized = ConvTransposeGeometry.of_onnx((3, 4), input_sizes=(5, 6), output_shape=(9, 14), **numbers)
    assert sized.output_sizes((5, 6)) == (9, 14)
    with pytest.raises(InvalidArgumentError, match="input_sizes must be given"):
        ConvTransposeGeometry.of_onnx((3, 4), output_shape=(9, 14), **numbers)
