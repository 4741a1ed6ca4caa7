"""Every group has one channel or one filter: TensorFlow's gradient of a depthwise convolution.

``tf.nn.depthwise_conv2d_backprop_input`` sums, for each of its filters, the channels of one group. A
group of one channel and several filters becomes several groups by repeating the channel. The op has two
spatial axes and one stride: a third axis is scattered tap by tap and added up, and unequal strides
become equal by inserting zeros.
"""

from __future__ import annotations

import math
from dataclasses import replace

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import LoweringNotApplicable
from tfdeconv.ops.lowerings.lowering import Lowering, Problem
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.lowerings.primitives.insert_zeros import insert_zeros
from tfdeconv.ops.lowerings.primitives.native_padding import native_padding
from tfdeconv.ops.lowerings.primitives.overlap_add import overlap_add
from tfdeconv.ops.output_window import OutputWindow, take
from tfdeconv.ops.tensors.shapes import partial_shape, spatial_sizes


def _check(problem: Problem) -> None:
    if problem.groups not in (problem.channels, problem.filters):
        raise LoweringNotApplicable(
            "lowering 'depthwise' needs groups equal to the channels or to the filters; received "
            f"groups={problem.groups} for {problem.channels} channels and {problem.filters} filters. "
            "Use lowering='auto'."
        )


def _prepare(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """``[*kernel_size, filters, channels of a filter]``."""
    kernel = fill_dilated(kernel, problem.geometry.dilation_rate)
    if problem.groups == problem.channels:  # [..., multiplier, channels]: each filter is a group
        kernel = tf.transpose(kernel, [*range(problem.rank), problem.rank + 1, problem.rank])
    return tf.reshape(kernel, [*kernel.shape[: problem.rank], problem.filters, -1])


def _run(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
    if problem.groups == problem.channels != problem.filters:
        x = tf.repeat(x, problem.filters // problem.channels, axis=-1)
    if problem.rank == 2:
        return _two_axes(x, prepared, problem.strides, problem.window)
    return _three_axes(x, prepared, problem)


def _two_axes(x: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, ...], window: OutputWindow) -> tf.Tensor:
    sizes, kernel_size, filters = spatial_sizes(x), kernel.shape[:2], kernel.shape[2]
    # the stride along an axis of one sample has no effect
    common = (
        math.gcd(*(stride for stride, size in zip(strides, sizes, strict=True) if not _is_one(size))) or 1
    )
    x = insert_zeros(
        x, [1 if _is_one(size) else stride // common for stride, size in zip(strides, sizes, strict=True)]
    )

    def backprop(sizes: tuple[object, ...], padding: object) -> tf.Tensor:
        shape = [partial_shape(x)[0], *sizes, filters]
        return tf.nn.depthwise_conv2d_backprop_input(
            shape, kernel, x, strides=[1, common, common, 1], padding=padding
        )

    padding = native_padding(kernel_size, (common, common), window)
    if isinstance(padding, str):  # with explicit pairs the op is about 100 times slower
        return backprop(window.sizes, padding)
    full = tuple(
        geometry.full_size(size, span, common)
        for size, span in zip(spatial_sizes(x), kernel_size, strict=True)
    )
    return take(backprop(full, "VALID"), window)


def _is_one(size: object) -> bool:
    return isinstance(size, int) and size == 1


def _three_axes(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """The first axis is scattered: each of its taps is a depthwise problem of the other two."""
    window, stride, span = problem.window, problem.strides[0], kernel.shape[0]
    batch, depth, *plane = partial_shape(x)
    planes = tf.reshape(x, [batch * depth, *plane])
    rest = OutputWindow(window.crops[1:], window.sizes[1:])
    stamps = tf.stack(
        [_two_axes(planes, tap, problem.strides[1:], rest) for tap in tf.unstack(kernel)], axis=1
    )
    height, width = rest.sizes
    y = overlap_add(tf.reshape(stamps, [batch, depth, 1, span, height * width * problem.filters]), stride)
    blocks = depth + -(-span // stride) - 1
    y = tf.reshape(y, [batch, blocks * stride, height, width, problem.filters])
    before, after = window.crops[0]
    after += -span % stride  # the last block's zeros
    return take(y, replace(window, crops=((before, after), (0, 0), (0, 0))))


LOWERING = Lowering("depthwise", _check, _prepare, _run)
