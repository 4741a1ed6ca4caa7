"""Convolution with any number of zeros around the input, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def padded_conv(
    x: tf.Tensor,
    kernel: tf.Tensor,
    pads: Sequence[tuple[int, int]],
    strides: Sequence[int] | None = None,
) -> tf.Tensor:
    """Return ``[batch, *((sizes + before + after - kernel_size) // strides + 1), filters]``.

    Args:
        x: ``[batch, *sizes, channels]``.
        kernel: ``[*kernel_size, channels, filters]``.
        pads: Zeros (before, after) each axis; negative numbers drop samples of ``x`` instead.
        strides: Samples from one output to the next along each axis; None: 1.

    Example:
        >>> x = tf.ones([1, 1, 2, 1])
        >>> padded_conv(x, tf.ones([1, 2, 1, 1]), [(0, 0), (1, 0)]).numpy().ravel()
        array([1., 2.], dtype=float32)
    """
    strides = strides or [1] * len(pads)
    conv = tf.nn.conv2d if len(pads) == 2 else tf.nn.conv3d
    padding = _conv_padding(kernel.shape[:-2], pads, strides)
    if padding is None:
        x, padding = _pad(x, pads), "VALID"
    return conv(x, kernel, strides=[1, *strides, 1], padding=padding)


def _conv_padding(
    kernel_size: Sequence[int], pads: Sequence[tuple[int, int]], strides: Sequence[int]
) -> str | list[tuple[int, int]] | None:
    """What the op takes as ``padding``; None where it cannot pad so."""
    if not any(before or after for before, after in pads):
        return "VALID"
    if all(
        stride == 1 and before == (size - 1) // 2 and before + after == size - 1
        for size, (before, after), stride in zip(kernel_size, pads, strides, strict=True)
    ):
        return "SAME"
    if len(pads) == 2 and all(before >= 0 and after >= 0 for before, after in pads):
        return [(0, 0), *pads, (0, 0)]
    return None


def _pad(x: tf.Tensor, pads: Sequence[tuple[int, int]]) -> tf.Tensor:
    x = tf.pad(x, [(0, 0), *((max(before, 0), max(after, 0)) for before, after in pads), (0, 0)])
    spans = (slice(max(-before, 0), None if after >= 0 else after) for before, after in pads)
    return x[(slice(None), *spans)]
