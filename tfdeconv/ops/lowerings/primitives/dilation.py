"""Dilated kernels as undilated ones: TensorFlow's dilated kernels need oneDNN or a GPU."""

from __future__ import annotations

import tensorflow as tf

from tfdeconv import geometry


def fill_dilated(kernel: tf.Tensor, dilation_rate: tuple[int, ...]) -> tf.Tensor:
    """Return the undilated kernel with the same effect: ``d - 1`` zeros between the taps.

    Example:
        >>> fill_dilated(tf.ones([3, 1, 1, 1]), (2, 1))[:, 0, 0, 0].numpy()
        array([1., 0., 1., 0., 1.], dtype=float32)
    """
    for axis, (size, rate) in enumerate(zip(kernel.shape[:-2], dilation_rate, strict=False)):
        if rate > 1:
            span = geometry.effective_kernel_size(size, rate)
            taps = [tap // rate if tap % rate == 0 else size for tap in range(span)]  # size: a zero
            zero = [(0, int(other == axis)) for other in range(kernel.shape.rank)]
            kernel = tf.gather(tf.pad(kernel, zero), taps, axis=axis)
    return kernel
