"""The window of a transposed convolution over all spatial axes, static where sizes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.ops.tensors.shapes import Size, spatial_sizes


@dataclass(frozen=True)
class OutputWindow:
    """Which samples of the full output are returned, one entry for each spatial axis.

    Attributes:
        crops: Samples dropped at the (start, end); a negative end passes the end of the full output.
            Ints, or int32 scalar tensors where a size asked for is known only at run time.
        sizes: Samples returned: full size - start - end.
    """

    crops: tuple[tuple[Size, Size], ...]
    sizes: tuple[Size, ...]

    @property
    def static(self) -> bool:
        """Whether the crops are ints (the sizes follow the input's and may be tensors)."""
        return all(isinstance(after, int) for _, after in self.crops)


def resolve(
    geometry: ConvTransposeGeometry, x: tf.Tensor, output_shape: Sequence[Size] | None
) -> OutputWindow:
    """Return the window of the channels-last input ``x``; ``output_shape`` as in :func:`sizes_argument`.

    Raises:
        InvalidArgumentError: A size that is known statically is out of its legal range. Sizes known
            only at run time raise ``tf.errors.InvalidArgumentError`` when the graph runs.

    Example:
        >>> doubling = ConvTransposeGeometry.of((3,), strides=2, padding="same")
        >>> resolve(doubling, tf.zeros([1, 7, 1]), (13,))
        OutputWindow(crops=((1, 1),), sizes=(13,))
    """
    sizes = spatial_sizes(x)
    if output_shape is None:
        return OutputWindow(geometry.crops, geometry.output_sizes(sizes))
    firsts = geometry.smallest_output_sizes(sizes)
    axes = zip(sizes, output_shape, firsts, geometry.strides, strict=True)
    wanted = [
        size if isinstance(size, int) and isinstance(known, int) else _checked(size, known, first, stride)
        for known, size, first, stride in axes
    ]
    windows = geometry.windows(sizes, wanted, maximum=tf.maximum)
    crops = tuple(
        (lead, full - lead - size)
        for full, (lead, size) in zip(geometry.full_sizes(sizes), windows, strict=True)
    )
    return OutputWindow(crops, tuple(wanted))


def _checked(output_size: Size, input_size: Size, first: Size, stride: int) -> tf.Tensor:
    output_size = tf.cast(output_size, tf.int32)
    least = tf.maximum(first, tf.minimum(input_size, 1))  # a size of 0 comes of 0 samples alone
    legal = tf.debugging.Assert(
        tf.logical_and(output_size >= least, output_size < first + stride),
        ["output_shape must lie in [", first, ",", first + stride - 1, "]; received", output_size],
    )
    with tf.control_dependencies([] if legal is None else [legal]):  # None: checked eagerly
        return tf.identity(output_size)


def take(full: tf.Tensor, window: OutputWindow) -> tf.Tensor:
    """Return the window of the full, channels-last output; zeros where it passes the end.

    Example:
        >>> full = tf.reshape(tf.range(1.0, 6.0), [1, 5, 1])
        >>> take(full, OutputWindow(crops=((1, -1),), sizes=(5,))).numpy().ravel()
        array([2., 3., 4., 5., 0.], dtype=float32)
    """
    if not window.static:
        missing = [(0, tf.maximum(-after, 0)) for _, after in window.crops]
        full = tf.pad(full, [(0, 0), *missing, (0, 0)])
        begin = tf.stack([0, *(before for before, _ in window.crops), 0])
        return tf.slice(full, begin, tf.stack([-1, *window.sizes, -1]))
    if any(after < 0 for _, after in window.crops):
        full = tf.pad(full, [(0, 0), *((0, max(-after, 0)) for _, after in window.crops), (0, 0)])
    if all(before == 0 and after <= 0 for before, after in window.crops):
        return full
    kept = (slice(before, None if after <= 0 else -after) for before, after in window.crops)
    return full[(slice(None), *kept)]
