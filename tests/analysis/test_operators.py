"""Operator matrices against the loops of the oracle, and the identities of the DSP view."""

from __future__ import annotations

import itertools

import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfdeconv import analysis, geometry, ops
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments

CASES = [
    # sizes, kernel_size, strides, dilation, padding, output_padding, filters per group, channels, groups
    ((4,), (3,), (2,), (1,), "same", None, 1, 1, 1),
    ((3,), (2,), (3,), (1,), "valid", None, 2, 1, 1),
    ((5,), (3,), (2,), (2,), 1, 1, 1, 2, 1),
    ((3, 4), (3, 2), (2, 3), (1, 2), "valid", None, 2, 3, 1),
    ((3, 3), (4, 4), (2, 2), (1, 1), "same", None, 1, 2, 2),
    ((2, 3), (3, 3), (2, 2), (1, 1), ((1, -2), (0, 1)), None, 1, 4, 2),
    ((2, 2, 3), (2, 1, 3), (2, 1, 2), (1, 1, 1), "same", None, 2, 1, 1),
]


@pytest.mark.parametrize("case", CASES)
def test_matrix_times_input_is_the_transposed_convolution(case):
    """T @ x.ravel() equals the scatter loops, dense and sparse, for every convention."""
    sizes, kernel_size, strides, dilation, padding, extra, filters, channels, groups = case
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(*kernel_size, filters, channels))
    x = rng.normal(size=(1, *sizes, channels))
    windows = [
        geometry.window(i, k, s, padding=p, output_padding=extra, dilation_rate=d)
        for i, k, s, d, p in zip(
            sizes,
            kernel_size,
            strides,
            dilation,
            axis_arguments.per_axis_padding(padding, len(sizes)),
            strict=True,
        )
    ]
    expected = oracles.by_scatter(
        x,
        kernel,
        strides=strides,
        dilation=dilation,
        groups=groups,
        leads=[w.lead for w in windows],
        sizes=[w.size for w in windows],
    )
    arguments = {
        "strides": strides,
        "padding": padding,
        "output_padding": extra,
        "dilation_rate": dilation,
        "groups": groups,
    }
    matrix = analysis.operator_matrix(kernel, sizes, **arguments)
    np.testing.assert_allclose(matrix @ x.ravel(), expected.ravel(), atol=1e-12)
    sparse = analysis.operator_matrix(kernel, sizes, **arguments, sparse=True)
    np.testing.assert_array_equal(tf.sparse.to_dense(sparse), matrix)


def test_transposed_matrix_is_the_forward_convolution():
    """T.T applied to an output equals tf.nn.conv2d with the same kernel, strides and padding."""
    rng = np.random.default_rng(1)
    kernel, y = rng.normal(size=(3, 3, 2, 4)), rng.normal(size=(1, 8, 6, 2))
    matrix = analysis.operator_matrix(kernel, (4, 3), strides=2, padding="same")
    forward = tf.nn.conv2d(y, kernel, strides=2, padding="SAME")  # the same kernel: [k, k, in, out]
    np.testing.assert_allclose(matrix.T @ y.ravel(), np.ravel(forward), atol=1e-12)


def test_matrices_of_the_dsp_answer():
    """The 4x4 matrix of q*, and the 2-fold down- and upsampling matrices, are those of the text."""
    q0, q1, q2 = 2.0, 3.0, 5.0
    np.testing.assert_array_equal(
        analysis.operator_matrix([q0, q1, q2], 4, padding="same"),
        [[q1, q0, 0, 0], [q2, q1, q0, 0], [0, q2, q1, q0], [0, 0, q2, q1]],
    )
    np.testing.assert_array_equal(analysis.downsample_matrix(2, 4), [[1, 0, 0, 0], [0, 0, 1, 0]])
    np.testing.assert_array_equal(analysis.upsample_matrix(2, 2), [[1, 0], [0, 0], [0, 1], [0, 0]])


@pytest.mark.parametrize(("factor", "size"), [(1, 3), (2, 4), (2, 5), (3, 7), (4, 1)])
def test_downsampling_keeps_every_kth_sample(factor, size):
    """downsample_matrix is x[::k], for sizes that k divides and others."""
    x = np.arange(1.0, size + 1)
    np.testing.assert_array_equal(analysis.downsample_matrix(factor, size) @ x, x[::factor])


@pytest.mark.parametrize(("factor", "size"), [(1, 3), (2, 4), (3, 2)])
def test_upsampling_is_the_transpose_of_downsampling(factor, size):
    """up_k = down_k^T, on as many samples as upsampling returns."""
    np.testing.assert_array_equal(
        analysis.upsample_matrix(factor, size), analysis.downsample_matrix(factor, size * factor).T
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_convolution_by_parts(stride):
    """Q * (up_k x) = (down_k (q*)^T)^T x: zero insertion, then a stride-1 operator."""
    kernel, size = np.array([2.0, 3.0, 5.0, 7.0]), 3
    up = analysis.upsample_matrix(stride, size)
    convolve = analysis.operator_matrix(kernel, size * stride)
    down = analysis.downsample_matrix(stride, size * stride)
    np.testing.assert_array_equal(convolve @ up, (down @ convolve.T).T)
    direct = analysis.operator_matrix(kernel, size, strides=stride)  # shorter: no zeros behind the last
    np.testing.assert_array_equal((convolve @ up)[: len(direct)], direct)


def test_dilated_kernel_is_the_upsampled_kernel():
    """A dilated convolution with factor k is (up_k q) * x."""
    kernel = np.array([2.0, 3.0, 5.0])
    spread = (analysis.upsample_matrix(2, 3) @ kernel)[:-1]
    np.testing.assert_array_equal(
        analysis.operator_matrix(kernel, 4, dilation_rate=2), analysis.operator_matrix(spread, 4)
    )


def test_nearest_resize_and_convolution_are_one_kernel():
    """(1 1) * q has the taps q0, q0 + q1, q1 + q2, q2: repeat, then convolve, in one matrix."""
    q = np.array([2.0, 3.0, 5.0])
    fused = analysis.operator_matrix([1, 1], 3) @ q
    np.testing.assert_array_equal(fused, [2, 5, 8, 5])
    repeat = analysis.operator_matrix([1, 1], 4, strides=2)
    convolve = analysis.operator_matrix(q, 8)
    np.testing.assert_array_equal(convolve @ repeat, analysis.operator_matrix(fused, 4, strides=2))


def test_operators_agree_with_the_op_in_two_dimensions():
    """The bare-kernel form equals ops.conv_transpose on the seed's 2x2 example."""
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    matrix = analysis.operator_matrix(np.ones([3, 3]), 2, strides=2, padding="same")
    y = ops.conv_transpose(
        x[None, :, :, None], np.ones([3, 3, 1, 1]), strides=2, padding="same", data_format="channels_last"
    )
    np.testing.assert_array_equal(matrix @ x.ravel(), np.ravel(y))
    np.testing.assert_array_equal(
        (matrix @ x.ravel()).reshape(4, 4), [[1, 1, 3, 2], [1, 1, 3, 2], [4, 4, 10, 6], [3, 3, 7, 4]]
    )


def test_large_dense_matrix_is_refused():
    """A matrix that would fill the memory is refused with the way out; the sparse one is made."""
    with pytest.raises(InvalidArgumentError, match=r"dense matrix of 66049 x 16384 .* sparse=True"):
        analysis.operator_matrix(np.ones([3, 3]), 128, strides=2)
    assert analysis.operator_matrix(np.ones([3, 3]), 128, strides=2, sparse=True).values.shape == (
        9 * 128**2,
    )


@pytest.mark.parametrize(
    ("kernel", "size", "message"),
    [
        (np.ones([3, 3]), (4, 4, 4), r"kernel must be .* received shape \(3, 3\)"),
        (np.ones([3, 3, 3, 3]), 4.0, r"input_size must be an int"),
        (np.ones(3), 0, r"input_size must be at least 1; received 0"),
    ],
)
def test_wrong_arguments_are_named(kernel, size, message):
    """Errors name the argument, the rule and what was received."""
    with pytest.raises(InvalidArgumentError, match=message):
        analysis.operator_matrix(kernel, size)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (2, "groups must divide the 3 channels"),
        (0, "groups must be at least 1; received 0"),
        (1.0, r"groups must be an int; received 1\.0"),
    ],
)
def test_groups_that_do_not_divide_are_refused(groups, message):
    """Groups must be a whole number that divides the channels."""
    with pytest.raises(InvalidArgumentError, match=message):
        analysis.operator_matrix(np.ones([3, 1, 3]), 4, groups=groups)


@pytest.mark.parametrize("matrix", [analysis.upsample_matrix, analysis.downsample_matrix])
def test_a_factor_of_nothing_is_refused(matrix):
    """It is named as the user wrote it."""
    with pytest.raises(InvalidArgumentError, match="factor must be at least 1; received 0"):
        matrix(0, 4)


def test_sizes_may_be_arrays_of_numpy():
    """Sizes, kernel sizes and strides that were computed with NumPy."""
    two = np.array([2, 2])
    counts = analysis.overlap(two, np.array([3, 3]), strides=two).counts
    np.testing.assert_array_equal(counts, analysis.overlap((2, 2), (3, 3), strides=(2, 2)).counts)
    np.testing.assert_array_equal(analysis.overlap(two, 3, strides=2).counts, counts)
    signal = np.tile([2.0, 1.0], 8)
    assert analysis.artifact_energy(signal, np.int64(2)) == analysis.artifact_energy(signal, 2)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation"), list(itertools.product((1, 3, 4), (1, 2, 3), (1, 2)))
)
def test_overlap_counts_are_column_counts_of_the_matrix(kernel_size, stride, dilation):
    """Overlap counts are the products in each row of the operator of ones."""
    arguments = {"strides": stride, "dilation_rate": dilation, "padding": "valid"}
    matrix = analysis.operator_matrix(np.ones(kernel_size), 16, **arguments)
    counts = analysis.overlap(16, kernel_size, **arguments)
    np.testing.assert_array_equal(counts.counts, matrix.sum(axis=1))
    inside = slice(8 * stride, 9 * stride)  # a period that no border reaches
    np.testing.assert_array_equal(counts.phases, counts.counts[inside])


@pytest.mark.parametrize(
    ("kernel_size", "stride", "phases"),
    [(3, 2, [2, 1]), (5, 3, [2, 2, 1]), (4, 2, [2, 2]), (2, 3, [1, 1, 0])],
)
def test_known_overlaps(kernel_size, stride, phases):
    """The counts of Odena et al.: even exactly where the stride divides the kernel."""
    found = analysis.overlap(6, kernel_size, strides=stride)
    assert found.phases.tolist() == phases
    assert found.even == (kernel_size % stride == 0)


def test_overlap_in_two_dimensions_is_the_outer_product():
    """Counts multiply across axes."""
    both = analysis.overlap((3, 4), (3, 5), strides=(2, 3))
    first, second = analysis.overlap(3, 3, strides=2), analysis.overlap(4, 5, strides=3)
    np.testing.assert_array_equal(both.counts, np.outer(first.counts, second.counts))
    np.testing.assert_array_equal(both.phases, np.outer(first.phases, second.phases))
