"""Backpropagation by the convolution that a transposed convolution is the adjoint of.

TensorFlow differentiates the other forms op by op: backwards through slices, depth to space, shifted adds
and convolutions with few filters and odd padding, up to five times slower than the one strided
convolution that the gradient is.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfdeconv.ops.lowerings.groups import each_group
from tfdeconv.ops.lowerings.lowering import Problem
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated
from tfdeconv.ops.lowerings.primitives.native_padding import native_padding
from tfdeconv.ops.tensors.shapes import Size


def with_adjoint_gradient(
    compute: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], x: tf.Tensor, kernel: tf.Tensor, problem: Problem
) -> tf.Tensor:
    """Return ``compute(x, kernel)``, which computes ``problem``, with its gradients as convolutions.

    ``x`` has samples (:meth:`.lowering.Problem.on_samples`).
    Any order of differentiation works: the gradients are differentiable ops again.
    """

    @tf.custom_gradient
    def computed(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable[..., list[tf.Tensor]]]:
        def gradients(upstream: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(kernel)
                for_x = convolve(upstream, kernel, problem)
            # <upstream, conv_transpose(x, kernel)> = <convolve(upstream, kernel), x>
            return [for_x, tape.gradient(for_x, kernel, output_gradients=x)]

        return compute(x, kernel), gradients

    return computed(x, kernel)


def convolve(y: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Return the convolution of ``y`` ``[batch, *window.sizes, filters]``: ``[batch, *sizes, channels]``.

    Example:
        >>> from tfdeconv.geometry import ConvTransposeGeometry
        >>> from tfdeconv.ops.output_window import OutputWindow
        >>> geometry = ConvTransposeGeometry.of((2, 2), strides=2)
        >>> problem = Problem(geometry, 1, 1, 1, OutputWindow(((0, 0), (0, 0)), (4, 4)))
        >>> convolve(tf.ones([1, 4, 4, 1]), tf.ones([2, 2, 1, 1]), problem)[0, :, :, 0].numpy()
        array([[4., 4.],
               [4., 4.]], dtype=float32)
    """
    prepare, run = each_group(
        lambda kernel, problem: fill_dilated(kernel, problem.geometry.dilation_rate), _convolve_one_group
    )
    return run(y, prepare(kernel, problem), problem)


def _convolve_one_group(y: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    window, strides = problem.window, [1, *problem.strides, 1]
    conv = tf.nn.conv2d if problem.rank == 2 else tf.nn.conv3d
    padding = native_padding(problem.geometry.effective_kernel_size, problem.strides, window)
    if padding is None:  # the adjoint of taking the window: back into the full output
        inside, around = zip(*map(_within_full, window.sizes, window.crops), strict=True)
        y = y[(slice(None), *(slice(size) for size in inside))]
        y, padding = tf.pad(y, [(0, 0), *around, (0, 0)]), "VALID"
    return conv(y, kernel, strides=strides, padding=padding)


def _within_full(size: Size, crops: tuple[Size, Size]) -> tuple[Size, tuple[Size, Size]]:
    """The samples of a window that lie in the full output, and those of the full output (before, after) them.

    A window may start past the end, and hold none.
    """
    before, after = crops
    full = before + size + after
    if isinstance(full, int):
        inside, before = max(min(size, full - before), 0), min(before, full)
    else:
        inside = tf.maximum(tf.minimum(size, full - before), 0)
        before = tf.minimum(before, full)
    return inside, (before, full - before - inside)
