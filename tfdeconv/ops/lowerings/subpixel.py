"""Sub-pixel (polyphase) form: a convolution to every phase of a block of samples, then depth to space.

Multiplications grow by ``(s * ceil(k / s) / k)`` along each axis, and by nothing where ``s`` divides
``k``. It pays where the filters are so few that TensorFlow's own op leaves its vectors empty; where one
sample's phases leave them empty too, a block holds several samples (:mod:`.wide_blocks`).

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
from tfdeconv.ops.lowerings.padded_conv import padded_conv
from tfdeconv.ops.lowerings.wide_blocks import fewest_products, widened
from tfdeconv.ops.output_window import take
from tfdeconv.ops.shapes import Size


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
    widths = fewest_products(axes, problem.filters)
    sizes = problem.geometry.kernel_size
    wide = [widened(*axis) for axis in zip(axes, widths, sizes, strict=True)]
    gathered = gather_taps(kernel, wide)  # [taps_0, phases_0, taps_1, ..., filters, channels]
    rank = problem.rank
    order = [*range(0, 2 * rank, 2), 2 * rank + 1, *range(1, 2 * rank, 2), 2 * rank]
    phases = math.prod(axis.stride for axis in wide)
    taps = [len(axis.rows) for axis in wide]
    return tf.reshape(tf.transpose(gathered, order), [*taps, problem.channels, phases * problem.filters])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    axes = all_phases(problem)
    # as wide as the kernel was prepared, which may be stored
    widths = [taps - len(axis.rows) + 1 for taps, axis in zip(prepared.shape, axes, strict=False)]
    pads = [(axis.before, axis.after + width - 1) for axis, width in zip(axes, widths, strict=True)]
    blocks = padded_conv(x, prepared, pads, widths)
    strides = tuple(stride * width for stride, width in zip(problem.strides, widths, strict=True))
    y = interleave(blocks, strides, problem.filters)
    if not problem.window.static or all(width == 1 for width in widths):
        return drop_margins(y, axes, problem)
    return y[(slice(None), *map(_inside, axes, problem.window.sizes, y.shape[1:]))]


def _inside(axis: AxisPhases, size: Size, known: int | None) -> slice:
    """The window of one axis of blocks that may pass its end."""
    whole = axis.start == 0 and isinstance(size, int) and size == known
    return slice(None) if whole else slice(axis.start, axis.start + size)


LOWERING = Lowering("subpixel", applies_always, *each_group(_prepare, _run), adjoint_gradient=True)
