"""Sub-pixel (polyphase) form: a stride-1 convolution to every phase, then depth to space.

Multiplications grow by ``(s * ceil(k / s) / k)`` along each axis, and by nothing where ``s`` divides
``k``. It pays where the filters are so few that TensorFlow's own op leaves its vectors empty.

References:
    Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfdeconv.ops.lowerings.axis_phases import AxisPhases, axis_phases
from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.interleave import interleave
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.stride_one_conv import stride_one_conv
from tfdeconv.ops.output_window import take


def all_phases(problem: Problem) -> list[AxisPhases]:
    """Return the polyphase form of each axis; where the window is not static, of the full output.

    Example:
        >>> from tfdeconv.geometry import ConvTransposeGeometry
        >>> from tfdeconv.ops.output_window import OutputWindow
        >>> problem = Problem(ConvTransposeGeometry.of(3, strides=2), 1, 1, 1, OutputWindow(((0, 1),), (4,)))
        >>> [len(axis.rows) for axis in all_phases(problem)]
        [2]
    """
    geometry, window = problem.geometry, problem.window
    crops = window.crops if window.static else [None] * problem.rank
    axes = zip(geometry.kernel_size, geometry.strides, geometry.dilation_rate, crops, strict=True)
    return [axis_phases(*axis) for axis in axes]


def gather_taps(kernel: tf.Tensor, axes: list[AxisPhases]) -> tf.Tensor:
    """Return ``[taps, stride, ...]`` in place of each of the first ``len(axes)`` axes of ``kernel``.

    Example:
        >>> gather_taps(tf.constant([1.0, 2.0, 3.0]), [axis_phases(3, 2, 1, (0, 1))]).numpy()
        array([[3., 0.],
               [1., 2.]], dtype=float32)
    """
    rest = [(0, 0)] * (kernel.shape.rank - len(axes))
    kernel = tf.pad(kernel, [(0, 1)] * len(axes) + rest)  # the tap for "none"
    for number, axis in enumerate(axes):
        kernel = tf.gather(kernel, axis.rows, axis=2 * number)
    return kernel


def drop_margins(y: tf.Tensor, axes: list[AxisPhases], problem: Problem) -> tf.Tensor:
    """Return the window of the interleaved blocks ``y``.

    Example:
        >>> from tfdeconv.geometry import ConvTransposeGeometry
        >>> from tfdeconv.ops.output_window import OutputWindow
        >>> problem = Problem(ConvTransposeGeometry.of(4, strides=2), 1, 1, 1, OutputWindow(((1, 1),), (4,)))
        >>> drop_margins(tf.zeros([1, 6, 1]), all_phases(problem), problem).shape
        TensorShape([1, 4, 1])
    """
    if not problem.window.static:
        return take(y, problem.window)
    if not any(axis.start or axis.end for axis in axes):
        return y
    return y[(slice(None), *(slice(axis.start, -axis.end or None) for axis in axes))]


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    axes = all_phases(problem)
    gathered = gather_taps(kernel, axes)  # [taps_0, stride_0, taps_1, ..., filters, channels]
    rank = problem.rank
    order = [*range(0, 2 * rank, 2), 2 * rank + 1, *range(1, 2 * rank, 2), 2 * rank]
    filters = math.prod(problem.strides) * problem.filters
    sizes = [len(axis.rows) for axis in axes]
    return tf.reshape(tf.transpose(gathered, order), [*sizes, problem.channels, filters])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    axes = all_phases(problem)
    blocks = stride_one_conv(x, prepared, [(axis.before, axis.after) for axis in axes])
    return drop_margins(interleave(blocks, problem.strides, problem.filters), axes, problem)


LOWERING = Lowering("subpixel", applies_always, *each_group(_prepare, _run), adjoint_gradient=True)
