"""EqualPhaseSums is the orthogonal projection onto the kernels without interior checkerboard."""

from __future__ import annotations

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.constraints import EqualPhaseSums
from tfdeconv.errors import InvalidArgumentError

CASES = [
    ((3,), (2,), 1),
    ((5, 4), (3, 2), 1),
    ((9, 9), (2, 2), 1),
    ((3, 3, 4), (2, 1, 2), 1),
    ((5, 5), (3, 2), (2, 3)),
]


def phase_sums(kernel, strides, dilation):
    """Sums over the taps that reach each output position modulo the strides, by loops."""
    sums = np.zeros((*strides, *kernel.shape[-2:]))
    for tap in itertools.product(*map(range, kernel.shape[:-2])):
        phase = tuple(a * d % s for a, d, s in zip(tap, dilation, strides, strict=True))
        sums[phase] += kernel[tap]
    return sums.reshape(-1, *kernel.shape[-2:])


@pytest.mark.parametrize(("kernel_size", "strides", "dilation"), CASES)
def test_phase_sums_are_equal(kernel_size, strides, dilation):
    """For each pair of channels; and a constant input then has a constant interior."""
    kernel = np.random.default_rng(0).normal(size=(*kernel_size, 2, 3))
    projected = EqualPhaseSums(strides, dilation)(kernel).numpy()
    dilation = np.broadcast_to(dilation, len(strides))
    sums = phase_sums(projected, strides, dilation)
    np.testing.assert_allclose(sums, np.broadcast_to(sums[0], sums.shape), atol=1e-12)
    y = td.ops.conv_transpose(
        np.ones((1, *[20] * len(strides), 3)), projected, strides=strides, dilation_rate=dilation
    ).numpy()
    middle = y[(slice(None), *[slice(n // 2 - 4, n // 2 + 4) for n in y.shape[1:-1]])]
    np.testing.assert_allclose(middle, np.broadcast_to(middle.reshape(-1, 2)[0], middle.shape), atol=1e-10)


@pytest.mark.parametrize(("kernel_size", "strides", "dilation"), CASES)
def test_it_is_the_orthogonal_projection(kernel_size, strides, dilation):
    """Applied twice it changes nothing more, and the change is orthogonal to every legal direction."""
    rng = np.random.default_rng(1)
    project = EqualPhaseSums(strides, dilation)
    kernel, legal = rng.normal(size=(*kernel_size, 1, 1)), project(rng.normal(size=(*kernel_size, 1, 1)))
    projected = project(kernel).numpy()
    np.testing.assert_allclose(project(projected), projected, atol=1e-12)
    np.testing.assert_allclose(np.vdot(kernel - projected, legal), 0, atol=1e-10)


@pytest.mark.parametrize(("kernel_size", "arguments"), [((1, 3), (2,)), ((4, 4), (2, 2)), ((4, 4), (4, 2))])
def test_refuses_phases_without_taps(kernel_size, arguments):
    """A kernel below the stride, or a dilation with a common factor, leaves outputs that are always 0."""
    with pytest.raises(InvalidArgumentError, match="needs a tap in every phase"):
        EqualPhaseSums(*arguments)(np.ones((*kernel_size, 1, 1)))


def test_training_stays_on_the_constraint():
    """Keras applies it after every step."""
    layer = td.layers.Conv2DTranspose(2, 3, strides=2, kernel_constraint=EqualPhaseSums(2))
    model = keras.Sequential([keras.Input((4, 4, 1)), layer])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(4, 4, 4, 1)), rng.normal(size=(4, 9, 9, 2)), verbose=0)
    sums = phase_sums(np.asarray(layer.kernel), (2, 2), (1, 1))
    np.testing.assert_allclose(sums, np.broadcast_to(sums[0], sums.shape), atol=1e-6)


def test_config_round_trip():
    """Serialize and deserialize give the same configuration."""
    constraint = EqualPhaseSums((2, 3), 5)
    again = keras.constraints.deserialize(keras.constraints.serialize(constraint))
    assert isinstance(again, EqualPhaseSums)
    assert again.get_config() == constraint.get_config() == {"strides": (2, 3), "dilation_rate": 5}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EqualPhaseSums(None), "strides must be an int; received None"),
        (lambda: EqualPhaseSums("2"), "strides must be an int; received '2'"),
        (lambda: EqualPhaseSums(2, 0), "dilation_rate must be at least 1; received 0"),
        (lambda: EqualPhaseSums(2)(tf.zeros([4, 4])), r"1, 2 or 3 spatial axes.*received shape \(4, 4\)"),
    ],
)
def test_refuses(call, message):
    """Wrong arguments at construction, a kernel without taps at the call."""
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def test_numbers_of_numpy_are_kept_as_ints():
    """A configuration made from NumPy's integers can be saved."""
    made = EqualPhaseSums(np.array([2, 3]), np.int64(1))
    assert json.loads(json.dumps(made.get_config())) == {"strides": [2, 3], "dilation_rate": 1}
