"""Scatter: one matrix product for what every input sample stamps, then overlapped adds.

Caffe's form (backward GEMM and col2im), without the index arithmetic: after the product, the stamps of
each axis are cut into blocks of ``stride`` samples, which overlap block by block. It multiplies no
zeros and reads the kernel once, in the layout in which it is stored: the fastest form for a few
input positions with many channels (the first layers of a generator), where reading the kernel is the
whole cost.
"""

from __future__ import annotations

import math
from dataclasses import replace

import tensorflow as tf

from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Lowering, Problem, applies_always
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.lowerings.primitives.interleave import interleave
from tfdeconv.ops.lowerings.primitives.overlap_add import overlap_add
from tfdeconv.ops.output_window import take
from tfdeconv.ops.tensors.shapes import partial_shape

FEW_POSITIONS = 256
"""Up to this many input positions the product is made from the kernel's side and then transposed."""


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    return tf.reshape(fill_dilated(kernel, problem.geometry.dilation_rate), [-1, problem.channels])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    batch, *sizes, _ = partial_shape(x)
    kernel_size = problem.geometry.effective_kernel_size
    positions = tf.reshape(x, [-1, problem.channels])
    if positions.shape[0] is not None and positions.shape[0] <= FEW_POSITIONS:
        # the wide operand on the left: the product is 2 to 5 times faster than with it on the right
        stamps = tf.transpose(tf.matmul(prepared, positions, transpose_b=True))
    else:
        stamps = tf.matmul(positions, prepared, transpose_b=True)
    blocks = list(sizes)  # along the axes that are added up already
    y = stamps
    for axis in reversed(range(problem.rank)):
        stride, span = problem.strides[axis], kernel_size[axis]
        middle = math.prod(blocks[axis + 1 :]) * math.prod(kernel_size[:axis])
        inner = math.prod(problem.strides[axis + 1 :]) * problem.filters
        y = overlap_add(tf.reshape(y, [-1, sizes[axis], middle, span, inner]), stride)
        blocks[axis] += -(-span // stride) - 1
    y = tf.reshape(y, [batch, *blocks, math.prod(problem.strides) * problem.filters])
    y = interleave(y, problem.strides, problem.filters)
    surplus = (-span % stride for span, stride in zip(kernel_size, problem.strides, strict=True))  # zeros
    crops = tuple(
        (before, after + extra) for (before, after), extra in zip(problem.window.crops, surplus, strict=True)
    )
    return take(y, replace(problem.window, crops=crops))


LOWERING = Lowering("scatter", applies_always, *each_group(_prepare, _run), adjoint_gradient=True)
