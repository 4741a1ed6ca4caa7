"""Sub-pixel form along all axes but the last, then the last axis by itself.

The first convolution returns, at every input position of the last axis, all taps of that axis apart:
``prod(strides[:-1]) * kernel_size[-1] * filters`` channels. The second, with a kernel of zeros and
ones, adds them up where they overlap. For a few filters and kernels much larger than the stride the first
convolution has a few tens of filters, which fill the processor's vectors, where the sub-pixel form has
``prod(strides) * filters``, which may not; and its kernel is smaller by the taps of the last axis.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from tfdeconv.errors import LoweringNotApplicable
from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem
from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases
from tfdeconv.ops.lowerings.polyphase.bands import in_bands
from tfdeconv.ops.lowerings.polyphase.decomposition import all_phases, drop_margins, gather_taps
from tfdeconv.ops.lowerings.primitives.interleave import interleave
from tfdeconv.ops.lowerings.primitives.padded_conv import padded_conv

MAX_ADDING_KERNEL = 2**20
"""Entries of the second kernel, which grows with the square of the filters."""


def _check(problem: Problem) -> None:
    last = all_phases(problem)[-1]
    entries = len(last.rows) * math.prod(_partial_channels(problem)) * math.prod(_output_channels(problem))
    if entries > MAX_ADDING_KERNEL:
        raise LoweringNotApplicable(
            f"lowering 'two_pass' is for few filters: the kernel of its second convolution may have "
            f"{MAX_ADDING_KERNEL} entries; received filters={problem.filters}, groups={problem.groups}, "
            f"kernel_size={problem.geometry.kernel_size} and strides={problem.strides}, which give "
            f"{entries}. Use lowering='auto'."
        )


def _partial_channels(problem: Problem) -> tuple[int, int, int]:
    """(phases of the axes before the last, taps of the last axis, filters of a group)."""
    phases = math.prod(problem.strides[:-1])
    return phases, problem.geometry.kernel_size[-1], problem.filters // problem.groups


def _output_channels(problem: Problem) -> tuple[int, int, int]:
    phases, _, filters = _partial_channels(problem)
    return phases, problem.strides[-1], filters


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    axes = all_phases(problem)[:-1]
    first = problem.rank - 1
    gathered = gather_taps(kernel, axes)  # [taps_0, stride_0, ..., last kernel axis, filters, channels]
    order = [*range(0, 2 * first, 2), 2 * first + 2, *range(1, 2 * first, 2), 2 * first, 2 * first + 1]
    sizes = [len(axis.rows) for axis in axes]
    return tf.reshape(
        tf.transpose(gathered, order), [*sizes, 1, problem.channels, math.prod(_partial_channels(problem))]
    )


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    axes = all_phases(problem)
    adding = tf.constant(_adding_kernel(axes[-1], problem), x.dtype)

    def compute(x: tf.Tensor, axes: list[AxisPhases]) -> tf.Tensor:
        *firsts, last = axes
        partial = padded_conv(x, prepared, [*((axis.before, axis.after) for axis in firsts), (0, 0)])
        blocks = padded_conv(partial, adding, [*((0, 0) for _ in firsts), (last.before, last.after)])
        return drop_margins(interleave(blocks, problem.strides, problem.filters), axes, problem)

    values = math.prod(_partial_channels(problem))
    return in_bands(compute, x, axes, values) if problem.window.static else compute(x, axes)


def _adding_kernel(last: AxisPhases, problem: Problem) -> np.ndarray:
    """Ones where a tap of the last axis belongs to an output phase of the same phase and filter."""
    phases, kernel_size, filters = _partial_channels(problem)
    chosen = np.arange(kernel_size)[:, None] == np.array(last.rows)[:, None, :]  # [taps, kernel, stride]
    kernel = np.einsum("tkr,pq,fg->tpkfqrg", chosen, np.eye(phases), np.eye(filters))
    return kernel.reshape([1] * (problem.rank - 1) + [len(last.rows), phases * kernel_size * filters, -1])


LOWERING = Lowering("two_pass", _check, *each_group(_prepare, _run), adjoint_gradient=True)
