"""Max pooling with switches and unpooling: TensorFlow's positions, ties, infinities and refusals."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
import tensorflow as tf

import tfdeconv as td


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("pool", "stride"), [(2, 2), (3, 2), ((2, 3), (1, 2)), (1, 2)])
def test_switches_are_tensorflows_argmax(padding, pool, stride):
    """The same maxima and positions as tf.nn.max_pool_with_argmax, where that op runs."""
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    expected, positions = tf.nn.max_pool_with_argmax(x, pool, stride, padding.upper())
    pooled, switches = td.ops.max_pool_with_switches(x, pool, strides=stride, padding=padding)
    np.testing.assert_array_equal(pooled, expected)
    np.testing.assert_array_equal(switches, positions)


def test_first_of_equal_values_wins():
    """Ties are broken in row-major order, so that results do not depend on the device."""
    _, switches = td.ops.max_pool_with_switches(tf.ones([1, 4, 4, 1]), 2)
    np.testing.assert_array_equal(switches.numpy().ravel(), [0, 2, 8, 10])


def test_windows_of_minus_infinity_point_inside():
    """A masked-out window still has a legal position, also next to the padding of "same"."""
    x = tf.fill([1, 3, 3, 1], float("-inf"))
    pooled, switches = td.ops.max_pool_with_switches(x, 3, strides=2, padding="same")
    expected = oracles.max_pool(x.numpy(), (3, 3), (2, 2), "same")
    np.testing.assert_array_equal(pooled, expected[0])
    np.testing.assert_array_equal(switches, expected[1])


def test_nan_wins():
    """A NaN is not hidden by the values around it."""
    x = tf.reshape([1.0, float("nan"), 3.0, 2.0], [1, 2, 2, 1])
    pooled, switches = td.ops.max_pool_with_switches(x, 2)
    assert np.isnan(pooled.numpy().item())
    assert switches.numpy().item() == 1


@pytest.mark.parametrize("duplicates", ["last", "sum"])
@pytest.mark.parametrize("xla", [False, True])
def test_duplicates(duplicates, xla):
    """Switches that coincide: the last window's value, or the sum, in every mode; batches apart."""
    rng = np.random.default_rng(0)
    x, switches = rng.normal(size=(3, 2, 4, 2)), rng.integers(0, 12, size=(3, 2, 4, 2))
    unpool = tf.function(
        lambda x, switches: td.ops.max_unpool(x, switches, output_shape=(2, 3), duplicates=duplicates),
        jit_compile=xla,
    )
    expected = oracles.max_unpool(x, switches, (2, 3), duplicates)
    np.testing.assert_allclose(unpool(x, switches), expected, rtol=1e-12)


def test_output_shape_may_be_a_tensor():
    """The size of the pooled tensor, known at run time only."""
    x = np.random.default_rng(0).normal(size=(1, 5, 7, 2))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2], tf.float64)], autograph=False)
    def there_and_back(x):
        pooled, switches = td.ops.max_pool_with_switches(x, 2)
        return td.ops.max_unpool(pooled, switches, output_shape=tf.shape(x)[1:3])

    restored = there_and_back(x).numpy()
    assert restored.shape == x.shape
    np.testing.assert_array_equal(restored[restored != 0], x[restored != 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"switches": tf.zeros([1, 2, 2, 1])}, "switches must be integers of x's shape"),
        ({"switches": tf.zeros([1, 2, 3, 1], tf.int64)}, "switches must be integers of x's shape"),
        ({"output_shape": (4,)}, "output_shape must be one value or 2"),
        ({"output_shape": tf.constant([4.0, 4.0])}, "output_shape must hold 2 integers"),
        ({"duplicates": "first"}, "duplicates must be 'last' or 'sum'; received 'first'"),
        ({"x": tf.zeros([1, 2, 2])}, "x must have a batch axis, 2 spatial axes"),
        ({"x": tf.zeros([1, 2, 2, 1], tf.int32)}, "x must be a floating-point tensor; received int32"),
    ],
)
def test_unpool_refuses(arguments, message):
    """Each message names the argument, the rule and what was received."""
    right = {
        "x": tf.zeros([1, 2, 2, 1]),
        "switches": tf.zeros([1, 2, 2, 1], tf.int64),
        "output_shape": (4, 4),
    }
    arguments = {**right, **arguments}
    with pytest.raises(td.errors.InvalidArgumentError, match=message):
        td.ops.max_unpool(arguments.pop("x"), arguments.pop("switches"), **arguments)


def test_switch_outside_the_output_is_an_error():
    """A width other than the pooled tensor's shows as an error, not as silence, where it can."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        td.ops.max_unpool(tf.ones([1, 1, 1, 1]), [[[[9]]]], output_shape=(2, 2))


@pytest.mark.parametrize("duplicates", ["last", "sum"])
@pytest.mark.parametrize("switches", [(4, 1), (1, -1), (1, 4), (-1, 1)])
def test_a_switch_never_reaches_another_example(duplicates, switches):
    """Each example of a batch counts from 0: one past its own end is an error, not the next one's."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        td.ops.max_unpool(
            tf.ones([2, 1, 1, 1]),
            tf.reshape(tf.constant(switches), [2, 1, 1, 1]),
            output_shape=(2, 2),
            duplicates=duplicates,
        )


def test_pool_refuses_windows_that_do_not_fit():
    """A "valid" window larger than the input has no output."""
    with pytest.raises(td.errors.InvalidArgumentError, match="pool_size = 3 samples; received 2"):
        td.ops.max_pool_with_switches(tf.zeros([1, 2, 2, 1]), 3)
