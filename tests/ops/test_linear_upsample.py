"""Linear interpolation by integer factors."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfdeconv import ops


def interpolated(x, factors, boundary):
    """Each output sample from its two neighbours, axis by axis, as a loop over positions."""
    for axis, factor in enumerate(factors, start=1):
        size = x.shape[axis]
        samples = []
        for q in range(size * factor):
            at = (q + 0.5) / factor - 0.5  # half-pixel centres
            left = int(np.floor(at))
            sample = np.zeros_like(np.take(x, 0, axis))
            for position, weight in ((left, left + 1 - at), (left + 1, at - left)):
                if boundary == "edge":
                    position = min(max(position, 0), size - 1)
                if 0 <= position < size:
                    sample = sample + weight * np.take(x, position, axis)
            samples.append(sample)
        x = np.stack(samples, axis)
    return x


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    data=st.data(),
    boundary=st.sampled_from(["zero", "edge"]),
    channels=st.sampled_from([1, 2, 9, 32]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_every_rank_factor_and_boundary(sizes, data, boundary, channels, dtype):
    """Every output sample is the linear interpolation of its two neighbours along every axis."""
    factors = data.draw(
        st.one_of(
            st.tuples(*(st.integers(1, 5) for _ in sizes)),
            st.integers(1, 4).map(lambda f: (f,) * len(sizes)),
            st.tuples(*(st.sampled_from([1, 2, 4, 8]) for _ in sizes)),
        )
    )
    x = np.random.default_rng(0).standard_normal([2, *sizes, channels])
    y = ops.linear_upsample(tf.constant(x, dtype), factors, boundary=boundary)
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(y, interpolated(x, factors, boundary), atol=tolerance)


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("channels", [3, 8, 32])
def test_edge_is_the_bilinear_resize_of_tensorflow(factor, channels):
    """boundary="edge" gives the numbers of ``tf.image.resize`` with half-pixel centres."""
    x = tf.random.stateless_uniform([2, 4, 5, channels], [1, 2])
    resized = tf.image.resize(x, (4 * factor, 5 * factor))
    np.testing.assert_allclose(ops.linear_upsample(x, factor, boundary="edge"), resized, atol=1e-5)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize("factor", [(2, 2), (4, 4), (3, 1)], ids=str)
def test_unknown_shapes(factor, boundary):
    """Batch, sizes and channels may be unknown in a graph, and the batch may be empty."""

    def call(x):
        return ops.linear_upsample(x, factor, boundary=boundary)

    graph = tf.function(call, input_signature=[tf.TensorSpec([None] * 4)], autograph=False)
    for shape in ([2, 3, 4, 9], [0, 3, 4, 9], [1, 1, 1, 1]):
        x = tf.random.stateless_uniform(shape, [1, 2])
        assert graph(x).shape == call(x).shape == (shape[0], 3 * factor[0], 4 * factor[1], 9) or shape[1] == 1
        np.testing.assert_allclose(graph(x), call(x), atol=1e-6)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize("factor", [2, 4])
def test_under_xla_and_backwards(factor, boundary):
    """A jit-compiled call gives the same numbers, and the gradient is the adjoint."""
    x = tf.random.stateless_uniform([2, 3, 4, 8], [1, 2])

    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = ops.linear_upsample(x, factor, boundary=boundary)
            inner = tf.reduce_sum(y * y) / 2
        return y, inner, tape.gradient(inner, x)

    y, inner, gradient = call(x)
    np.testing.assert_allclose(2 * inner, tf.reduce_sum(gradient * x), rtol=1e-5)  # <y, A x> = <A* y, x>
    for compiled, eager in zip(tf.function(call, jit_compile=True)(x), (y, inner, gradient), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("channels", [2, 8, 32])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradient_can_be_differentiated(rank, channels, factor, boundary):
    """The gradient of |A* A x|^2 / 2 is A* A A* A x, where A upsamples and A* is its gradient."""
    x = tf.random.stateless_uniform([2, *(3, 4, 2)[:rank], channels], [1, 2])

    def normal(x):  # A* A x
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = ops.linear_upsample(x, factor, boundary=boundary)
        return tape.gradient(y, x, output_gradients=y)

    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(normal(x) ** 2) / 2
    np.testing.assert_allclose(tape.gradient(loss, x), normal(normal(x)), rtol=1e-4)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_nan_reaches_only_its_neighbours(factor, boundary):
    """A NaN or an infinity stays within the samples that it contributes to."""
    x = np.zeros([1, 9, 9, 8], "float32")
    x[0, 4, 4] = np.nan
    reached = np.isnan(ops.linear_upsample(x, factor, boundary=boundary))[0, :, :, 0]
    assert reached.sum() == (2 * factor - factor % 2) ** 2


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 2e-3), ("bfloat16", 2e-2), ("float64", 1e-12)])
def test_other_float_types(dtype, tolerance, boundary):
    """Every float type of TensorFlow is taken and kept."""
    x = np.random.default_rng(0).uniform(size=[2, 3, 4, 8])
    for factor in (2, 4):
        y = ops.linear_upsample(tf.cast(x, dtype), factor, boundary=boundary)
        assert y.dtype == dtype
        expected = interpolated(x, (factor,) * 2, boundary)
        np.testing.assert_allclose(tf.cast(y, "float64"), expected, atol=tolerance)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
@pytest.mark.parametrize(
    ("sizes", "factors"),
    [((2, 96, 350), (2, 2)), ((1, 101, 701), (4, 2)), ((1, 70, 250), (2, 3)), ((64, 1100), (2,))],
    ids=["blocks of lines", "all lines at once", "factor 3", "many sequences"],
)
def test_a_lone_channel(sizes, factors, boundary):
    """Lines of one channel, upsampled side by side where they are many, stay the lines that they are."""
    x = np.random.default_rng(0).standard_normal([*sizes, 1]).astype("float32")
    expected = interpolated(x, factors, boundary)
    unknown = tf.function(
        lambda x: ops.linear_upsample(x, factors, boundary=boundary),
        input_signature=[tf.TensorSpec([None] * len(sizes) + [1])],
        autograph=False,
    )
    for y in (ops.linear_upsample(x, factors, boundary=boundary), unknown(x)):
        np.testing.assert_allclose(y, expected, atol=2e-6)
    few = x[:1, :5, :3] if len(sizes) == 3 else x[:1, :5]
    np.testing.assert_allclose(unknown(few), interpolated(few, factors, boundary), atol=2e-6)


def test_the_gradient_of_a_lone_channel():
    """Backpropagation through lines side by side is the adjoint: <y, A x> = <A* y, x>."""
    x = tf.random.stateless_uniform([1, 64, 1100, 1], [1, 2])
    for boundary in ("zero", "edge"):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = ops.linear_upsample(x, 2, boundary=boundary)
        gradient = tape.gradient(y, x, output_gradients=y)
        np.testing.assert_allclose(tf.reduce_sum(gradient * x), tf.reduce_sum(y * y), rtol=1e-5)


@pytest.mark.parametrize("boundary", ["zero", "edge"])
def test_unknown_sizes_cost_few_ops(boundary):
    """Around the one op that computes, shapes are reckoned with as vectors: at most 35 ops are traced."""
    call = tf.function(lambda x: ops.linear_upsample(x, 2, boundary=boundary), autograph=False)
    graph = call.get_concrete_function(tf.TensorSpec([None, None, None, 32])).graph
    assert sum(op.type not in ("Const", "Placeholder", "IdentityN") for op in graph.get_operations()) <= 35
