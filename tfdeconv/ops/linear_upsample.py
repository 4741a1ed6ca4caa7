"""Linear interpolation by integer factors: the transposed convolution with the fixed linear kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.empty_axes import on_samples
from tfdeconv.ops.tensors.samples import as_samples
from tfdeconv.ops.tensors.shapes import Size, partial_shape, reshape, scaled_shape

Boundary = Literal["zero", "edge"]

MANY_CHANNELS, VECTOR = 32, 16
"""Fewer channels, unless they fill whole vectors, are too few to upsample both axes of an image at once."""
FEW_TAPS_FACTOR, FEW_TAPS_CHANNELS = 3, 8
"""Factors up to this have so few taps that convolving both axes at once pays for this many channels too."""
LINES = 32
"""Lines of a lone channel that are upsampled side by side: as many fill the vectors of any processor."""
LEAST_PRODUCTS = 2**18
"""Fewer, and the two transpositions that put lines side by side cost more than they save."""


def check_boundary(boundary: str) -> None:
    """Raise InvalidArgumentError where ``boundary`` is neither "zero" nor "edge".

    Example:
        >>> check_boundary("edge")
    """
    if boundary not in ("zero", "edge"):
        raise InvalidArgumentError(f"boundary must be 'zero' or 'edge'; received {boundary!r}.")


def linear_upsample(
    x: Any,
    factor: int | Sequence[int],
    *,
    boundary: Boundary = "zero",
    data_format: str | None = None,
) -> tf.Tensor:
    """Upsample every channel by linear interpolation (bilinear in 2-D, trilinear in 3-D).

    Equals a "same" transposed convolution of stride ``factor`` with the kernel of
    ``initializers.Bilinear``, channel by channel, but costs two taps along each axis.

    Args:
        x: Floating-point tensor ``[batch, *sizes, channels]`` with 1, 2 or 3 spatial axes.
        factor: Upsampling factor, at least 1; an int or one for each axis.
        boundary: What lies outside the input. "zero": nothing, so that samples within
            ``factor // 2`` of the border fade, as in FCN's deconvolution. "edge": the border repeats,
            as in ``tf.image.resize(..., "bilinear")`` with half-pixel centres.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.

    Returns:
        ``[batch, *(size * factor), channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule.

    Example:
        >>> x = tf.reshape([0.0, 4.0], [1, 2, 1])
        >>> linear_upsample(x, 2, boundary="edge").numpy().ravel()
        array([0., 1., 3., 4.], dtype=float32)
        >>> linear_upsample(x, 2, boundary="zero").numpy().ravel()
        array([0., 1., 3., 3.], dtype=float32)

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
        section 3.3.
    """
    x = as_samples(x)
    factors = axis_arguments.per_axis("factor", factor, x.shape.rank - 2)
    check_boundary(boundary)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    sizes = scaled_shape(x, (1, *factors, 1))[1:-1]
    y = on_samples(lambda x: _upsample(x, factors, boundary), x, sizes)
    return to_channels_first(y) if channels_first else y


def _upsample(x: tf.Tensor, factors: tuple[int, ...], boundary: Boundary) -> tf.Tensor:
    # TensorFlow's resize repeats the border, and computes its weights in float32: exactly for powers of two.
    if boundary == "edge" and x.dtype == tf.float32 and not any(f & (f - 1) for f in factors):
        return _resize(x, factors)
    return _convolve(x, factors, boundary)


def _resize(x: tf.Tensor, factors: tuple[int, ...]) -> tf.Tensor:
    """Upsample by the op of ``tf.image.resize``, backwards by convolutions: its gradient has no gradient.

    The op vectorizes along the channels. Where they are few the axes go one by one: the last one is small,
    and the other ones have a whole row as their channels.
    """

    def resize(x: tf.Tensor, factors: tuple[int, ...]) -> tf.Tensor:
        sizes = scaled_shape(x, (1, *factors, 1))[1:3]
        return tf.raw_ops.ResizeBilinear(images=x, size=sizes, half_pixel_centers=True)

    @tf.custom_gradient
    def resized(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = _convolve(x, factors, "edge")  # linear: a graph needs its gradient only, not y
            return tape.gradient(y, x, output_gradients=upstream)

        if len(factors) == 2 and _fill_vectors(x.shape[-1]):
            return resize(x, factors), gradient
        return _axis_by_axis(x, factors, resize, lambda factor: 2), gradient

    y: tf.Tensor = resized(x)
    return y


def _convolve(x: tf.Tensor, factors: tuple[int, ...], boundary: Boundary) -> tf.Tensor:
    """Upsample all axes at once where that is cheaper, else one after the other."""

    def depthwise(x: tf.Tensor, factors: tuple[int, ...]) -> tf.Tensor:
        return _depthwise(x, factors, boundary)

    channels, factor = x.shape[-1], factors[0]
    few_taps = factor <= FEW_TAPS_FACTOR and channels is not None and channels >= FEW_TAPS_CHANNELS
    if factors == (factor, factor) and factor > 1 and (few_taps or _fill_vectors(channels)):
        return depthwise(x, factors)
    return _axis_by_axis(x, factors, depthwise, geometry.linear_kernel_size)


def _fill_vectors(channels: int | None) -> bool:
    return channels is not None and (channels >= MANY_CHANNELS or channels == VECTOR)


def _axis_by_axis(
    x: tf.Tensor,
    factors: tuple[int, ...],
    upsample: Callable[..., tf.Tensor],
    taps: Callable[[int], int],
) -> tf.Tensor:
    """Upsample the last axis first, each as the second axis of images ``[lines, 1, size, rest]``.

    ``upsample(images, factors=)`` computes every output from ``taps(factor)`` products along one axis.
    """
    shape = partial_shape(x)
    for axis in reversed(range(1, len(factors) + 1)):
        factor = factors[axis - 1]
        if factor > 1:
            lines, size, rest = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
            shape[axis] = size * factor
            products = lines * shape[axis] * taps(factor)
            few = isinstance(products, int) and products < LEAST_PRODUCTS
            if isinstance(rest, int) and rest == 1 and not few:
                x = _side_by_side(x, lines, size, partial(upsample, factors=(1, factor)))
            else:
                x = upsample(reshape(x, [lines, 1, size, rest]), factors=(1, factor))
    return reshape(x, shape)


def _side_by_side(
    x: tf.Tensor, lines: Size, size: Size, upsample: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Upsample lines of one channel, several of them as the channels of one image.

    Both ops vectorize along the channels, so that a lone one would leave the vectors empty. The lines are
    transposed in blocks, which stay in the cache, or all at once where no block divides them.
    """
    if isinstance(lines, int):
        together = LINES if lines % LINES == 0 else lines
    else:
        together = tf.where(tf.equal(lines % LINES, 0), LINES, lines)
    images = tf.transpose(tf.reshape(x, [-1, 1, together, size]), [0, 1, 3, 2])
    return tf.transpose(upsample(images), [0, 1, 3, 2])


def _depthwise(x: tf.Tensor, factors: tuple[int, ...], boundary: Boundary) -> tf.Tensor:
    """Upsample images by the same factor along both axes, or along one where the other has one sample.

    This op keeps both of two cores busy, multiplies every output by the taps that reach it and no
    others (a matrix product would spread a NaN), and runs everywhere.
    """
    taps = [geometry.linear_kernel(geometry.linear_kernel_size(factor)) for factor in factors]
    channels = partial_shape(x)[-1]
    kernel = tf.tensordot(*(tf.constant(row, x.dtype) for row in taps), axes=0)[:, :, tf.newaxis, tf.newaxis]
    kernel = tf.broadcast_to(kernel, [*kernel.shape[:2], channels, 1])
    shape, stride = scaled_shape(x, (1, *factors, 1)), max(factors)
    y = tf.nn.depthwise_conv2d_backprop_input(  # explicit padding would be 10 to 100 times slower
        shape, kernel, x, strides=[1, stride, stride, 1], padding="SAME"
    )
    if boundary == "zero":
        return y
    gains = [_border_gains(*axis, x.dtype) for axis in zip(taps, factors, shape[1:3], strict=True)]
    return _amplified(y, *gains)


def _border_gains(taps: Sequence[float], factor: int, size: Size, dtype: tf.DType) -> tf.Tensor:
    """Return what turns the fading border of a "zero" upsampling of ``size`` samples into a repeated one.

    The first and last ``factor // 2`` samples are one input sample, weighted: dividing by the weight is
    cheaper than padding the input and cropping the output, above all in backpropagation.
    """
    half = factor // 2
    gains = [1 / weight for weight in taps[half : 2 * half]]
    inner = tf.ones([size - 2 * half], dtype)
    return tf.concat([tf.constant(gains, dtype), inner, tf.constant(gains[::-1], dtype)], 0)


def _amplified(y: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Return images, each row and each column multiplied by its gain, in one pass."""
    channels = y.shape[-1]
    if y.shape[1] == 1 and channels is not None and channels < VECTOR:  # a long last axis multiplies faster
        gains = tf.repeat(columns, channels)
        return tf.reshape(tf.reshape(y, [-1, tf.size(gains)]) * gains, tf.shape(y))
    return y * (tf.reshape(rows, [-1, 1, 1]) * tf.reshape(columns, [-1, 1]))
