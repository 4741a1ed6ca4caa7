"""Bilinear and ICNR start layers as interpolation and without checkerboard."""

from __future__ import annotations

import itertools
import json

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.initializers import ICNR, Bilinear


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_bilinear_interpolates(rank, factor, groups):
    """With "same" padding, any groups give the linear interpolation of every channel."""
    x = np.random.default_rng(0).normal(size=(1, *(3, 2, 4)[:rank], 4))
    taps = td.geometry.linear_kernel_size(factor)
    kernel = Bilinear(groups)([*[taps] * rank, 4 // groups, 4], "float64")
    y = td.ops.conv_transpose(x, kernel, strides=factor, padding="same", groups=groups)
    np.testing.assert_allclose(y, oracles.linear(x, (factor,) * rank, "zero"), atol=1e-12)


def test_bilinear_every_slice_is_caffes_filler():
    """Caffe fills every slice, which interpolates only with as many groups as channels."""
    kernel = Bilinear(groups=3, slices="every")([4, 4, 1, 3])
    np.testing.assert_array_equal(kernel, Bilinear(groups=3)([4, 4, 1, 3]))
    with pytest.raises(InvalidArgumentError, match="groups equal to the 3 channels; received groups=1"):
        Bilinear(slices="every")([4, 4, 3, 3])


def test_bilinear_writes_the_diagonal_of_a_rectangular_kernel():
    """More filters than channels: the first interpolate, the rest start at 0 (FCN's score layers)."""
    kernel = Bilinear()([4, 4, 3, 2]).numpy()
    for output, channel in itertools.product(range(3), range(2)):
        assert kernel[..., output, channel].sum() == pytest.approx(4 if output == channel else 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bilinear(groups=0), "groups must be at least 1"),
        (lambda: Bilinear(groups=None), "groups must be an int; received None"),
        (lambda: Bilinear(groups=1.5), "groups must be an int; received 1.5"),
        (lambda: Bilinear()([4, 4]), r"1, 2 or 3 spatial axes.*received shape \(4, 4\)"),
        (lambda: ICNR(2)([4, 4]), r"1, 2 or 3 spatial axes.*received shape \(4, 4\)"),
        (lambda: ICNR("2"), "factor must be an int; received '2'"),
        (lambda: ICNR(2.5), "factor must be an int; received 2.5"),
        (lambda: ICNR(0), "factor must be at least 1; received 0"),
        (lambda: Bilinear(slices="all"), "'diagonal' or 'every'"),
        (lambda: Bilinear(groups=2)([4, 4, 1, 3]), "groups must divide the kernel's 3 channels"),
        (lambda: ICNR(2)([3, 3, 4, 6]), r"factor 2 must divide axis 3 .* into 4 equal phases"),
        (lambda: ICNR(2, layout="transposed")([3, 4, 4, 6]), "must divide axis 0"),
        (lambda: ICNR((2, 2, 2))([3, 3, 4, 8]), "factor must be one value or 2"),
        (lambda: ICNR(2, layout="abc"), "'dcr', 'crd' or 'transposed'; received 'abc'"),
    ],
)
def test_refuses(make, message):
    """Shapes that the initializer cannot fill as promised."""
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("factor", [2, (1, 3)])
def test_icnr_starts_as_convolution_and_nearest_resize(order, factor):
    """All phases of a sub-pixel convolution are one sub-kernel, so the output repeats its samples."""
    phases = int(np.prod(np.broadcast_to(factor, 2)))
    kernel = ICNR(factor, keras.initializers.RandomNormal(seed=1), layout=order)([3, 3, 2, 5 * phases])
    x = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype("float32")
    y = td.ops.subpixel_conv(x, kernel, factor=factor, order=order)
    once = kernel[..., :5] if order == "dcr" else kernel[..., ::phases]
    expected = oracles.nearest(oracles.convolution_2d(x, once.numpy(), "same"), np.broadcast_to(factor, 2))
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert np.unique(kernel).size == 9 * 2 * 5


@pytest.mark.parametrize(("kernel_size", "factor"), [((4, 6), (2, 3)), ((4,), 2), ((2, 2, 4), 2)])
def test_icnr_transposed_has_equal_phases(kernel_size, factor):
    """Every phase of a transposed convolution's kernel is the same sub-kernel."""
    rank = len(kernel_size)
    kernel = ICNR(factor, layout="transposed")([*kernel_size, 3, 2]).numpy()
    factors = np.broadcast_to(factor, rank)
    first = kernel[tuple(slice(0, None, f) for f in factors)]
    for phase in itertools.product(*map(range, factors)):
        at = tuple(slice(p, None, f) for p, f in zip(phase, factors, strict=True))
        np.testing.assert_array_equal(kernel[at], first)


def test_icnr_seed_and_dtype():
    """A seeded sub-kernel is reproducible, in the type asked for."""
    make = lambda: ICNR(2, keras.initializers.GlorotUniform(seed=3))([3, 3, 4, 8], "float16")  # noqa: E731
    assert make().dtype == tf.float16
    np.testing.assert_array_equal(make(), make())


@pytest.mark.parametrize(
    "initializer", [Bilinear(groups=2, slices="every"), ICNR((2, 1), "he_normal", layout="crd")]
)
def test_config_round_trip(initializer):
    """Serialize and deserialize give the same configuration."""
    again = keras.initializers.deserialize(keras.initializers.serialize(initializer))
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()


def test_numbers_of_numpy_are_kept_as_ints():
    """A configuration made from NumPy's integers can be saved."""
    for made in (Bilinear(np.int64(2)), ICNR(np.int64(2)), ICNR(np.array([2, 2]))):
        again = type(made).from_config(json.loads(json.dumps(made.get_config())))
        assert json.dumps(again.get_config()) == json.dumps(made.get_config())
