"""The polyphase form of a whole transposed convolution: its kernel by phase, and the window of its blocks."""

from __future__ import annotations

import tensorflow as tf

from tfdeconv.ops.lowerings.lowering import Problem
from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases, axis_phases
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
