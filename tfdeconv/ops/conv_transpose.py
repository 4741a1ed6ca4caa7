"""Transposed convolution under every framework's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import ConvTransposeGeometry, axis_arguments
from tfdeconv.ops.lowerings import LOWERINGS, Problem, auto
from tfdeconv.ops.lowerings.adjoint import with_adjoint_gradient
from tfdeconv.ops.output_window import resolve
from tfdeconv.ops.tensors.data_format import is_channels_first, to_channels_first, to_channels_last
from tfdeconv.ops.tensors.samples import as_tensor
from tfdeconv.ops.tensors.shapes import known_shape
from tfdeconv.ops.tensors.sizes_argument import sizes_argument


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
    kernel = as_tensor("kernel", kernel)
    geometry = ConvTransposeGeometry.of(
        _kernel_size(kernel),
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        dilation_rate=dilation_rate,
    )
    groups = axis_arguments.at_least(1, "groups", groups)
    check_lowering(lowering)
    channels_first = is_channels_first(data_format)
    return conv_transpose_of(
        x,
        kernel,
        geometry,
        output_shape=output_shape,
        groups=groups,
        channels_first=channels_first,
        lowering=lowering,
    )


def conv_transpose_of(
    x: Any,
    kernel: Any,
    geometry: ConvTransposeGeometry,
    *,
    output_shape: Any,
    groups: int,
    channels_first: bool,
    lowering: str,
) -> tf.Tensor:
    """Return :func:`conv_transpose` for arguments that were checked already, as a layer's are.

    Args:
        x: As there.
        kernel: As there; its sizes are those of ``geometry``.
        geometry: Kernel size, strides, padding, output_padding and dilation.
        output_shape: As there.
        groups: As there.
        channels_first: Whether axis 1 of ``x`` holds the channels.
        lowering: As there.

    Example:
        >>> geometry = ConvTransposeGeometry.of(3, strides=2, padding=1)
        >>> options = {"output_shape": None, "groups": 1, "channels_first": False, "lowering": "auto"}
        >>> conv_transpose_of(tf.zeros([1, 4, 2]), tf.zeros([3, 5, 2]), geometry, **options).shape
        TensorShape([1, 7, 5])
    """
    x = as_tensor("x", x)
    kernel = as_tensor("kernel", kernel)
    if x.shape.rank != kernel.shape.rank or x.dtype != kernel.dtype or not x.dtype.is_floating:
        _refuse(x, kernel)
    if channels_first:
        x = to_channels_last(x)
    filters, channels = kernel.shape[-2:]
    if x.shape[-1] != channels or channels % groups:
        x = _with_known_channels(x, channels, groups)
    if output_shape is not None:
        output_shape = sizes_argument("output_shape", output_shape, geometry.rank)
    window = resolve(geometry, x, output_shape)
    problem = Problem(geometry, channels, filters * groups, groups, window)
    shape = [x.shape[0], *window.sizes, problem.filters]
    if one_axis := geometry.rank == 1:  # lowerings take two or three spatial axes: add one of size 1
        x, kernel, problem = x[:, tf.newaxis], kernel[tf.newaxis], problem.with_leading_axis()
    chosen = LOWERINGS[auto.choose(x, problem) if lowering == "auto" else lowering]

    def compute(x: tf.Tensor, problem: Problem) -> tf.Tensor:
        if not chosen.adjoint_gradient:
            return chosen.compute(x, kernel, problem)
        return with_adjoint_gradient(lambda x, kernel: chosen.compute(x, kernel, problem), x, kernel, problem)

    y = problem.on_samples(compute, x)
    if one_axis:
        y = tf.squeeze(y, axis=1)
    y = known_shape(y, shape)
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


def _kernel_size(kernel: tf.Tensor) -> tuple[int, ...]:
    if kernel.shape.rank not in (3, 4, 5):
        raise InvalidArgumentError(
            "kernel must be [*kernel_size, filters // groups, channels] with 1, 2 or 3 spatial axes; "
            f"received shape {tuple(kernel.shape)}."
        )
    return tuple(kernel.shape)[:-2]


def _refuse(x: tf.Tensor, kernel: tf.Tensor) -> None:
    """Raise the error about an ``x`` that does not go with ``kernel``."""
    if x.shape.rank != kernel.shape.rank:
        raise InvalidArgumentError(
            f"x must have rank {kernel.shape.rank} for a kernel of shape {tuple(kernel.shape)}: batch, "
            f"{kernel.shape.rank - 2} spatial axes and channels; received shape {x.shape}."
        )
    if not x.dtype.is_floating:
        raise InvalidArgumentError(
            f"x must be a floating-point tensor; received {x.dtype.name}. Use tf.cast(x, tf.float32)."
        )
    raise InvalidArgumentError(
        f"x and kernel must share one dtype; received {x.dtype.name} and {kernel.dtype.name}. "
        "Cast one of them with tf.cast."
    )


def _with_known_channels(x: tf.Tensor, channels: int, groups: int) -> tf.Tensor:
    """Return ``x``, its channels checked, if they are unknown until the graph runs, by the graph.

    Unchecked, TensorFlow's convolutions would take a multiple of the channels for groups.
    """
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
