"""Sub-pixel (polyphase) form: a convolution to every phase of a block of samples, then depth to space.

Multiplications grow by ``(s * ceil(k / s) / k)`` along each axis, and by nothing where ``s`` divides
``k``. It pays where the filters are so few that TensorFlow's own op leaves its vectors empty; where one
sample's phases leave them empty too, a block holds several samples (:mod:`.polyphase.wide_blocks`).

References:
    Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases
from tfdeconv.ops.lowerings.polyphase.decomposition import all_phases, drop_margins, gather_taps
from tfdeconv.ops.lowerings.polyphase.wide_blocks import fewest_products, widened
from tfdeconv.ops.lowerings.primitives.interleave import interleave
from tfdeconv.ops.lowerings.primitives.padded_conv import padded_conv
from tfdeconv.ops.tensors.shapes import Size


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
