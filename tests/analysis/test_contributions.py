"""The terms of one output value."""

from __future__ import annotations

import numpy as np
import pytest

from tfdeconv import analysis, ops
from tfdeconv.errors import InvalidArgumentError


def test_terms_sum_to_the_output_everywhere():
    """For every sample and filter, the listed products add up to the transposed convolution."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2, 4, 2))
    arguments = {"strides": (2, 1), "padding": ((1, 0), (0, 0)), "dilation_rate": (1, 2)}
    y = np.asarray(ops.conv_transpose(x[None], kernel, data_format="channels_last", **arguments))[0]
    for position in np.ndindex(y.shape):
        found = analysis.contributions(position, x, kernel, **arguments)
        assert found.total == pytest.approx(y[position])
        assert all(x[term.input] == term.value for term in found.terms)
        assert all(kernel[(*term.tap, position[-1], term.input[-1])] == term.weight for term in found.terms)


def test_the_ten_of_the_seed():
    """The 10 in the seed's example is the one sample that all four inputs reach."""
    found = analysis.contributions((2, 2), [[1, 2], [3, 4]], np.ones([3, 3]), strides=2, padding="same")
    assert [term.product for term in found.terms] == [1, 2, 3, 4]
    assert str(found).endswith("= 1*1 + 2*1 + 3*1 + 4*1 = 10")


def test_sample_without_taps():
    """Where no tap reaches, the value is 0 and the text says so."""
    found = analysis.contributions(2, [1, 2], [1, 1], strides=3)
    assert (found.terms, found.total) == ((), 0)
    assert str(found) == "y[2] = 0 (no tap reaches it)"


@pytest.mark.parametrize("position", [np.int64(2), np.array([2]), (np.int32(2),)])
def test_position_in_numbers_of_numpy(position):
    """What ``np.argmax`` and ``np.unravel_index`` return is a position."""
    assert analysis.contributions(position, [10, 20], [1, 2, 3], strides=2).total == 50


def test_position_is_whole():
    """A fraction lies on no sample."""
    with pytest.raises(InvalidArgumentError, match=r"position must be an int; received 2\.0"):
        analysis.contributions(2.0, [10, 20], [1, 2, 3], strides=2)


@pytest.mark.parametrize("position", [9, (1, 1, 1), -1])
def test_position_outside_is_refused(position):
    """The output's size is in the error."""
    with pytest.raises(InvalidArgumentError, match=r"position must lie inside the output"):
        analysis.contributions(position, [1, 2], [1, 1, 1], strides=2)


def test_channels_must_fit():
    """X and kernel must have the same channels."""
    with pytest.raises(InvalidArgumentError, match=r"x must have the kernel's 3 channels"):
        analysis.contributions((0, 0), np.ones([4, 2]), np.ones([3, 1, 3]))
