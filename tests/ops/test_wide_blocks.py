"""A sub-pixel convolution with few phases computes several input samples at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.ops.lowerings import LOWERINGS, Problem, subpixel
from tfdeconv.ops.output_window import resolve

SHAPES = pytest.mark.parametrize(
    ("kernel_size", "strides", "padding", "filters"),
    [
        ((9, 9), (2, 2), "same", 1),
        ((9, 8), (2, 2), "same", 2),
        ((3, 5), (1, 3), "valid", 1),
        ((9, 3), (1, 1), ((1, 2), (0, 3)), 1),
        ((4, 4), (2, 2), ((5, -1), (1, 4)), 1),
        ((16,), (8,), "same", 1),
        ((3, 4, 2), (2, 1, 2), "valid", 1),
    ],
    ids=str,
)


def problem_of(x, kernel_size, strides, padding, filters):
    geometry = ConvTransposeGeometry.of(kernel_size, strides=strides, padding=padding)
    return Problem(geometry, x.shape[-1], filters, 1, resolve(geometry, x, None))


def stored(kernel, problem):
    """The kernel as the lowering stores it, and the input samples of a block."""
    prepared = LOWERINGS["subpixel"].prepare(kernel, problem)
    return prepared, prepared.shape[-1] // (math.prod(problem.strides) * problem.filters)


@SHAPES
@pytest.mark.parametrize("known", [True, False])
def test_every_remainder_of_the_sizes(kernel_size, strides, padding, filters, known):
    """Sizes that blocks divide and sizes that they do not give the gradient's numbers, known or not."""
    rank = len(kernel_size)
    kernel = tf.random.stateless_normal([*kernel_size, filters, 3], [1, 2], dtype=tf.float64)

    def call(x, lowering="subpixel"):
        return ops.conv_transpose(x, kernel, strides=strides, padding=padding, lowering=lowering)

    graph = tf.function(call, autograph=False)
    anything = tf.TensorSpec([None] * (rank + 1) + [3], tf.float64)
    for size in range(5, 9):
        x = tf.random.stateless_normal([2, *(size, size + 1, 4)[:rank], 3], [3, 4], dtype=tf.float64)
        concrete = graph.get_concrete_function(tf.TensorSpec(x.shape, x.dtype) if known else anything)
        np.testing.assert_allclose(concrete(x), call(x, "gradient"), atol=1e-12)


@SHAPES
def test_few_phases_share_a_block(kernel_size, strides, padding, filters):
    """Blocks hold several samples here, whose phases do not pass the vector."""
    x = tf.zeros([1, *(6, 7, 4)[: len(kernel_size)], 3])
    problem = problem_of(x, kernel_size, strides, padding, filters)
    prepared, samples = stored(tf.zeros([*kernel_size, filters, 3]), problem)
    assert samples > 1
    assert prepared.shape[-1] <= 16


@pytest.mark.parametrize(("kernel_size", "stride", "filters"), [(9, 3, 1), (9, 4, 1), (4, 2, 3), (2, 2, 64)])
def test_blocks_stay_narrow_where_vectors_are_filled(kernel_size, stride, filters):
    """Where one sample's phases fill the vector, or two samples' would pass it, a block is one sample."""
    problem = problem_of(tf.zeros([1, 6, 7, 3]), (kernel_size,) * 2, (stride,) * 2, "same", filters)
    assert stored(tf.zeros([kernel_size, kernel_size, filters, 3]), problem)[1] == 1


def test_a_kernel_stored_for_narrow_blocks_is_computed_so(monkeypatch):
    """A model optimized when a block was one sample keeps its kernel and gives the same numbers."""
    x = tf.random.stateless_normal([1, 5, 6, 3], [1, 2])
    kernel = tf.random.stateless_normal([9, 9, 1, 3], [3, 4])
    problem = problem_of(x, (9, 9), (2, 2), "same", 1)
    wide, samples = stored(kernel, problem)
    monkeypatch.setattr(subpixel, "fewest_products", lambda axes, filters: (1,) * len(axes))
    narrow, sample = stored(kernel, problem)
    assert (samples, sample) == (4, 1)
    first, second = (LOWERINGS["subpixel"].run(x, prepared, problem) for prepared in (wide, narrow))
    np.testing.assert_allclose(first, second, atol=1e-4)
