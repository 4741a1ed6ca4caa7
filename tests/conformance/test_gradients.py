"""Gradients with respect to input, kernel and bias, first and second order, for every lowering."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracles
import pytest
import tensorflow as tf

import tfdeconv as td

LOWERINGS = ["auto", *td.ops.LOWERINGS]
CASES = [
    # sizes, kernel, strides, dilation, groups, channels, filters, (before, after)
    ((3, 4), (3, 3), (2, 2), (1, 1), 1, 2, 3, ((0, 1), (0, 1))),
    ((3, 2), (4, 4), (2, 2), (1, 1), 2, 2, 2, ((1, 1), (1, 1))),
    ((2, 3), (2, 3), (3, 1), (2, 1), 1, 1, 2, ((2, -1), (0, 0))),
    ((4,), (3,), (2,), (2,), 2, 2, 4, ((1, 0),)),
    ((1, 2), (1, 2), (3, 2), (1, 1), 1, 2, 2, ((3, -5), (0, 0))),  # starts past the end of the full output
    ((2, 1, 2), (2, 3, 2), (2, 1, 2), (1, 2, 1), 1, 2, 1, ((0, 0), (1, 1), (0, 1))),
]


def problem(number: int) -> tuple[Any, Any, dict[str, Any], dict[str, Any], tuple[int, ...]]:
    """Input, kernel, keyword arguments of the op and of the oracle, and output sizes."""
    sizes, kernel_size, strides, dilation, groups, channels, filters, pads = CASES[number]
    rng = np.random.default_rng(number)
    x = rng.normal(size=(2, *sizes, channels))
    kernel = rng.normal(size=(*kernel_size, filters // groups, channels))
    op = {"strides": strides, "dilation_rate": dilation, "groups": groups, "padding": pads}
    oracle = {"strides": strides, "dilation": dilation, "groups": groups, "leads": [b for b, _ in pads]}
    full = oracles.full_sizes(sizes, kernel_size, strides, dilation)
    outputs = tuple(size - b - a for size, (b, a) in zip(full, pads, strict=True))
    return x, kernel, op, oracle, outputs


def computed(number: int, lowering: str, compiled: bool | None) -> dict[str, Any]:
    """Gradients of half the sum of squares, and those of their product with a direction."""
    x, kernel, op, _, _ = problem(number)
    rng = np.random.default_rng(99)
    bias, direction = rng.normal(size=CASES[number][6]), rng.normal(size=x.shape)

    def gradients(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> dict[str, Any]:
        with tf.GradientTape(persistent=True) as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch([x, kernel, bias])
                y = td.ops.conv_transpose(x, kernel, lowering=lowering, **op) + bias
                loss = tf.reduce_sum(y * y) / 2
            dx, dk, db = inner.gradient(loss, [x, kernel, bias])
            along = tf.reduce_sum(dx * direction)
        second = outer.gradient(along, [x, kernel])
        return {"y": y, "dx": dx, "dk": dk, "db": db, "dxx": second[0], "dxk": second[1]}

    function = gradients if compiled is None else tf.function(gradients, jit_compile=compiled)
    results = function(tf.constant(x), tf.constant(kernel), tf.constant(bias))
    return {"bias": bias, "direction": direction, **{name: value.numpy() for name, value in results.items()}}


@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.parametrize("lowering", LOWERINGS)
def test_gradients(lowering: str, number: int) -> None:
    """Against the adjoints in float64; y is linear in x and in the kernel, so second order is exact too.

    With L = |y(x, k) + b|^2 / 2: dL/dx = A'y, and <dL/dx, v> = <y, A v> with A the operator of k.
    """
    x, kernel, _, oracle, outputs = problem(number)
    compiled = [None, False, True][(number + LOWERINGS.index(lowering)) % 3]  # every lowering in every mode
    try:
        got = computed(number, lowering, compiled)
    except td.errors.LoweringNotApplicable:
        assert lowering not in ("auto", "gradient")
        return
    forward = lambda x, kernel: oracles.by_scatter(x, kernel, sizes=outputs, **oracle)  # noqa: E731
    y = forward(x, kernel) + got["bias"]
    moved = forward(got["direction"], kernel)
    expected = {
        "y": y,
        "dx": oracles.input_gradient(y, kernel, x.shape[1:-1], **oracle),
        "dk": oracles.kernel_gradient(x, y, kernel.shape, **oracle),
        "db": y.reshape(-1, y.shape[-1]).sum(0),
        "dxx": oracles.input_gradient(moved, kernel, x.shape[1:-1], **oracle),
        "dxk": oracles.kernel_gradient(x, moved, kernel.shape, **oracle)
        + oracles.kernel_gradient(got["direction"], y, kernel.shape, **oracle),
    }
    for name, value in expected.items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(got[name], value, rtol=0, atol=1e-11 * scale, err_msg=name)


OTHERS = {
    "linear_upsample": lambda x: td.ops.linear_upsample(x, (2, 3), boundary="edge"),
    "nearest_upsample": lambda x: td.ops.nearest_upsample(x, (2, 3)),
    "pixel_shuffle": lambda x: td.ops.pixel_shuffle(x, 2, order="crd"),
    "bilinear_additive_upsample": lambda x: td.ops.bilinear_additive_upsample(x, 2),
    "resize_conv": lambda x: td.ops.resize_conv(x, tf.ones([3, 2, 4, 2], x.dtype), factor=2),
    "subpixel_conv": lambda x: td.ops.subpixel_conv(x, tf.ones([3, 2, 4, 4], x.dtype), factor=2),
    "crop": lambda x: td.ops.crop(x, offset=1, size=(2, 1)),
    "max_pool_with_switches": lambda x: td.ops.max_pool_with_switches(x, 2, strides=1).pooled,
    "max_unpool": lambda x: td.ops.max_unpool(
        x, tf.reshape(tf.range(48), [1, 3, 4, 4])[:, ::-1] // 2, output_shape=(3, 4), duplicates="sum"
    ),
    "depthwise_conv_transpose": lambda x: td.ops.depthwise_conv_transpose(
        x, tf.ones([2, 2, 2, 4], x.dtype), strides=2
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_gradients_of_the_other_ops(name: str) -> None:
    """Analytical against numerical differentiation in float64, at a point without ties."""
    x = tf.constant(np.random.default_rng(0).permutation(48).reshape(1, 3, 4, 4) / 7)
    weights = tf.constant(np.random.default_rng(1).normal(size=OTHERS[name](x).shape))
    theory, numeric = tf.test.compute_gradient(lambda x: OTHERS[name](x) * weights, [x])
    np.testing.assert_allclose(theory[0], numeric[0], atol=1e-6)


def test_every_other_op_has_a_gradient_test() -> None:
    """A public op without a gradient test would slip through."""
    functions = {name for name in td.ops.__all__ if name.islower()}
    assert functions == {*OTHERS, "conv_transpose"}


def test_unpooling_sends_gradients_to_the_value_that_was_kept() -> None:
    """With duplicates="last" an overwritten value has no influence, so its gradient is 0."""
    x = tf.constant([1.0, 2.0, 3.0])[tf.newaxis, tf.newaxis, :, tf.newaxis]
    switches = tf.constant([0, 1, 0])[tf.newaxis, tf.newaxis, :, tf.newaxis]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = td.ops.max_unpool(x, switches, output_shape=(1, 2))
        loss = tf.reduce_sum(y * [[[[5.0], [7.0]]]])
    np.testing.assert_array_equal(y.numpy().ravel(), [3, 2])
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy().ravel(), [0, 7, 5])


def test_pooling_has_second_order_gradients() -> None:
    """The squared pooled value has second derivative 2 where the maximum is."""
    x = tf.constant([[[[1.0], [4.0]], [[3.0], [2.0]]]])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(td.ops.max_pool_with_switches(x, 2).pooled ** 2)
        first = inner.gradient(loss, x)
    np.testing.assert_array_equal(outer.gradient(first, x).numpy().ravel(), [0, 2, 0, 0])
