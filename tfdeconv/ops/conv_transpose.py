"""Transposed convolution under every framework's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.ops import output_window
from tfdeconv.ops.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.lowerings import LOWERINGS, Problem, auto
from tfdeconv.ops.lowerings.adjoint import with_adjoint_gradient
from tfdeconv.ops.samples import as_tensor
from tfdeconv.ops.shapes import known_shape


def conv_transpose(
    x: Any,
    kernel: Any,
    *,
    strides: int | Sequence[int] = 1,
    padding: Any = "valid",
    output_padding: int | Sequence[int] | None = None,
    output_shape: Any = None,
    dilation_rate: int | Sequence[int] = 1,
    groups: int = 1,
    data_format: str | None = None,
    lowering: str = "auto",
) -> tf.Tensor:
    """Transposed convolution ("deconvolution") in one, two or three dimensions.

    The adjoint of ``tf.nn.convolution`` with the same kernel, strides, padding and dilation: each
    input sample stamps the kernel, scaled by its value, onto the output, ``strides`` samples apart.
    The rank of ``kernel`` decides the number of spatial axes.

    Args:
        x: Floating-point tensor ``[batch, *sizes, channels]``, or ``[batch, channels, *sizes]`` with
            ``data_format="channels_first"``. Batch, sizes and channels may be
            unknown.
        kernel: ``[*kernel_size, filters // groups, channels]`` (Keras's layout), of x's dtype.
        strides: Upsampling factor; an int or one for each axis.
        padding: "valid" or "same" with Keras's meaning; or samples cropped from the full output: an
            int, one int for each axis (cropped from both ends, as in PyTorch), or one
            ``(before, after)`` pair for each axis. A negative ``after`` extends the output with zeros.
        output_padding: Extra samples at the end. None: Keras's default size for "valid" and "same",
            none otherwise. Below ``strides`` for "valid" and "same", below
            ``max(strides, dilation_rate)`` otherwise.
        output_shape: Spatial sizes to return, ints or an integer tensor; each within
            ``geometry.output_size_range``. Excludes ``output_padding``.
        dilation_rate: Spacing of the kernel's taps; an int or one for each axis. Strides and
            dilation may both be larger than 1.
        groups: Groups of channels computed independently; divides channels and filters.
        data_format: "channels_last" or "channels_first"; None: ``keras.config.image_data_format()``.
        lowering: One of ``ops.LOWERINGS``, or "auto" for the one that is expected to be fastest.

    Returns:
        ``[batch, *output_sizes, filters]``, or channels first.

    Raises:
        InvalidArgumentError: An argument breaks a rule; the message holds the legal range.
        LoweringNotApplicable: ``lowering`` cannot compute this configuration.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 2, 2, 1])
        >>> y = conv_transpose(x, tf.ones([3, 3, 1, 1]), strides=2, padding="same")
        >>> print(y[0, :, :, 0].numpy())
        [[ 1.  1.  3.  2.]
         [ 1.  1.  3.  2.]
         [ 4.  4. 10.  6.]
         [ 3.  3.  7.  4.]]

    References:
        Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", section 4.
        Keras ``layers.Conv2DTranspose``, PyTorch ``nn.ConvTranspose2d``, ONNX ``ConvTranspose``.
    """
    x = as_tensor("x", x)
    kernel = as_tensor("kernel", kernel)
    rank = _spatial_rank(x, kernel)
    strides = axis_arguments.per_axis("strides", strides, rank)
    dilation_rate = axis_arguments.per_axis("dilation_rate", dilation_rate, rank)
    paddings = axis_arguments.per_axis_padding(padding, rank)
    if output_padding is not None:
        output_padding = axis_arguments.per_axis("output_padding", output_padding, rank, minimum=0)
    groups = axis_arguments.at_least(1, "groups", groups)
    check_lowering(lowering)
    channels_first = is_channels_first(data_format)
    if channels_first:
        x = to_channels_last(x)
    x = _with_known_channels(x, kernel, groups)
    window = output_window.resolve(
        x,
        kernel.shape[:-2],
        strides=strides,
        padding=paddings,
        output_padding=output_padding,
        output_shape=(
            None
            if output_shape is None
            else output_window.requested_sizes("output_shape", output_shape, rank)
        ),
        dilation_rate=dilation_rate,
    )
    problem = Problem(
        tuple(kernel.shape[:-2]),
        kernel.shape[-1],
        kernel.shape[-2] * groups,
        strides,
        dilation_rate,
        groups,
        window,
    )
    y = _lower(lowering, x, kernel, problem)
    y = known_shape(y, [x.shape[0], *window.sizes, problem.filters])
    return to_channels_first(y) if channels_first else y


def check_lowering(name: str) -> None:
    """Raise InvalidArgumentError where ``name`` is neither "auto" nor the name of a lowering.

    Example:
        >>> check_lowering("auto")
    """
    if not isinstance(name, str) or (name != "auto" and name not in LOWERINGS):
        raise InvalidArgumentError(
            f"lowering must be 'auto' or one of {', '.join(map(repr, LOWERINGS))}; received {name!r}."
        )


def _lower(name: str, x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Compute ``problem`` with the lowering called ``name``."""
    if problem.rank == 1:  # lowerings take two or three spatial axes: add one of size 1
        y = _lower(name, x[:, tf.newaxis], kernel[tf.newaxis], problem.with_leading_axis())
        return tf.squeeze(y, axis=1)
    if name == "auto":
        name = auto.choose(x, problem)
    chosen = LOWERINGS[name]
    if not chosen.adjoint_gradient:
        return chosen.compute(x, kernel, problem)
    return with_adjoint_gradient(lambda x, kernel: chosen.compute(x, kernel, problem), x, kernel, problem)


def _spatial_rank(x: tf.Tensor, kernel: tf.Tensor) -> int:
    if kernel.shape.rank not in (3, 4, 5):
        raise InvalidArgumentError(
            "kernel must be [*kernel_size, filters // groups, channels] with 1, 2 or 3 spatial axes; "
            f"received shape {tuple(kernel.shape)}."
        )
    if x.shape.rank != kernel.shape.rank:
        raise InvalidArgumentError(
            f"x must have rank {kernel.shape.rank} for a kernel of shape {tuple(kernel.shape)}: batch, "
            f"{kernel.shape.rank - 2} spatial axes and channels; received shape {x.shape}."
        )
    if not x.dtype.is_floating:
        raise InvalidArgumentError(
            f"x must be a floating-point tensor; received {x.dtype.name}. Use tf.cast(x, tf.float32)."
        )
    if x.dtype != kernel.dtype:
        raise InvalidArgumentError(
            f"x and kernel must share one dtype; received {x.dtype.name} and {kernel.dtype.name}. "
            "Cast one of them with tf.cast."
        )
    return int(kernel.shape.rank - 2)


def _with_known_channels(x: tf.Tensor, kernel: tf.Tensor, groups: int) -> tf.Tensor:
    """Return ``x``, its channels checked, if they are unknown until the graph runs, by the graph.

    Unchecked, TensorFlow's convolutions would take a multiple of the channels for groups.
    """
    channels = kernel.shape[-1]
    if x.shape[-1] is not None and x.shape[-1] != channels:
        raise InvalidArgumentError(
            f"x must have as many channels as the kernel's last axis, {channels}; received {x.shape[-1]}. "
            "The kernel's layout is [*kernel_size, filters // groups, channels]."
        )
    if channels % groups:
        raise InvalidArgumentError(
            f"groups must divide the {channels} channels of x; received groups={groups}."
        )
    return x if x.shape[-1] is not None else tf.ensure_shape(x, [*x.shape[:-1], channels])
