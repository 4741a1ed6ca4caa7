"""What defines a transposed convolution, for drawn kernels, strides, dilations and sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfdeconv as td

FEW = settings(max_examples=25)
KERNELS, STRIDES, SIZES = st.integers(1, 5), st.integers(1, 4), st.integers(1, 6)
SEEDS, PADDINGS = st.integers(0, 2**16), st.sampled_from(["same", "valid"])


def normal(seed: int, shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


@FEW
@given(SEEDS, PADDINGS, *[st.tuples(values, values) for values in (SIZES, KERNELS, STRIDES)], st.data())
def test_adjoint_identity(
    seed: int,
    padding: str,
    sizes: tuple[int, int],
    kernel_size: tuple[int, int],
    strides: tuple[int, int],
    data: st.DataObject,
) -> None:
    """<conv(y), x> equals <y, conv_transpose(x)> for every output size that conv maps back to x's."""
    ranges = [
        td.geometry.output_size_range(i, k, s, padding)
        for i, k, s in zip(sizes, kernel_size, strides, strict=True)
    ]
    output = tuple(data.draw(st.sampled_from(legal)) for legal in ranges)
    x, y = normal(seed, (2, *sizes, 3)), normal(seed + 1, (2, *output, 2))
    kernel = normal(seed + 2, (*kernel_size, 2, 3))
    down = tf.nn.conv2d(y, kernel, strides, padding.upper())
    assert down.shape == x.shape
    up = td.ops.conv_transpose(x, kernel, strides=strides, padding=padding, output_shape=output)
    np.testing.assert_allclose(np.vdot(down, x), np.vdot(y, up), rtol=1e-9, atol=1e-9)


@FEW
@given(SEEDS, SIZES, KERNELS, STRIDES, st.integers(1, 3), st.sampled_from(list(td.ops.LOWERINGS)))
def test_impulse_response(
    seed: int, size: int, kernel_size: int, stride: int, dilation: int, name: str
) -> None:
    """An impulse at p gives the kernel, its taps ``dilation`` apart, starting at p * stride."""
    kernel, at = normal(seed, (kernel_size, 1, 1)), seed % size
    x = np.zeros((1, size, 1))
    x[0, at] = 1
    y = td.ops.conv_transpose(x, kernel, strides=stride, dilation_rate=dilation, padding=0, lowering=name)
    expected = np.zeros(td.geometry.full_size(size, kernel_size, stride, dilation))
    expected[at * stride : at * stride + (kernel_size - 1) * dilation + 1 : dilation] = kernel.ravel()
    np.testing.assert_allclose(y.numpy().ravel(), expected, atol=1e-12)


@FEW
@given(SEEDS, SIZES, KERNELS, STRIDES, st.integers(1, 3), st.sampled_from(list(td.ops.LOWERINGS)))
def test_shift_equivariance(
    seed: int, size: int, kernel_size: int, stride: int, dilation: int, name: str
) -> None:
    """One sample more in front of the input is ``stride`` samples more in front of the full output."""
    x, kernel = normal(seed, (1, size, 2)), normal(seed + 1, (kernel_size, 1, 2))
    options = {"strides": stride, "dilation_rate": dilation, "padding": 0, "lowering": name}
    try:
        y = td.ops.conv_transpose(x, kernel, **options)
        shifted = td.ops.conv_transpose(np.pad(x, [(0, 0), (1, 0), (0, 0)]), kernel, **options)
    except td.errors.LoweringNotApplicable:
        return
    np.testing.assert_allclose(shifted[:, :stride], 0, atol=1e-12)
    np.testing.assert_allclose(shifted[:, stride:], y, atol=1e-12)


@FEW
@given(SIZES, KERNELS, STRIDES, st.integers(1, 3), st.sampled_from(["same", "valid", 0, 1, (1, 2)]))
def test_every_legal_size_is_returned(
    size: int, kernel_size: int, stride: int, dilation: int, padding: Any
) -> None:
    """Size round trip: static, and as a tensor whose value is known at run time only."""
    x, kernel = tf.ones([1, size, 1]), tf.ones([kernel_size, 1, 1])
    paddings = padding if isinstance(padding, str) else [padding]
    options = {"strides": stride, "dilation_rate": dilation, "padding": paddings}
    legal = td.geometry.output_size_range(size, kernel_size, stride, padding, dilation)

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int64)], autograph=False)
    def dynamic(sizes: tf.Tensor) -> tf.Tensor:
        return td.ops.conv_transpose(x, kernel, output_shape=sizes, **options)

    for wanted in legal:
        y = td.ops.conv_transpose(x, kernel, output_shape=[wanted], **options)
        assert y.shape == (1, wanted, 1)
        np.testing.assert_array_equal(dynamic(tf.constant([wanted], tf.int64)), y)


@FEW
@given(
    SEEDS,
    st.tuples(SIZES, SIZES),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from(["dcr", "crd"]),
)
def test_pixel_shuffle_moves_every_value_once(
    seed: int, sizes: tuple[int, int], factor: tuple[int, int], order: Any
) -> None:
    """It is a permutation of the values."""
    x = np.arange(np.prod([*sizes, *factor, 2])).reshape(1, *sizes, -1)
    y = td.ops.pixel_shuffle(x, factor, order=order).numpy()
    assert y.shape == (1, sizes[0] * factor[0], sizes[1] * factor[1], 2)
    np.testing.assert_array_equal(np.sort(y.ravel()), x.ravel())


@FEW
@given(SEEDS, st.tuples(st.integers(3, 9), st.integers(3, 9)), st.integers(1, 3), st.integers(1, 3), PADDINGS)
def test_unpooling_restores_the_maxima(
    seed: int, sizes: tuple[int, int], pool: int, stride: int, padding: Any
) -> None:
    """pool(unpool(pool(x))) equals pool(x) for positive x, whatever overlaps or does not divide."""
    x = 1 + np.random.default_rng(seed).random((2, *sizes, 2))
    options = {"strides": stride, "padding": padding}
    pooled, switches = td.ops.max_pool_with_switches(x, pool, **options)
    restored = td.ops.max_unpool(pooled, switches, output_shape=sizes)
    np.testing.assert_array_equal(td.ops.max_pool_with_switches(restored, pool, **options).pooled, pooled)
    kept = restored.numpy() != 0
    np.testing.assert_array_equal(restored.numpy()[kept], x[kept])
