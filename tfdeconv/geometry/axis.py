"""Sizes and windows of transposed convolutions, in pure integers (no TensorFlow is imported).

Along one axis with input size ``i``, kernel ``k``, stride ``s``, dilation ``d`` and effective kernel
``ke = (k - 1) * d + 1``, every transposed convolution has one *full* output::

    full[q] = sum of x[p] * w[a] over all p, a with p * s + a * d == q       size F = (i - 1) * s + ke

The padding, output_padding, output_shape and crop of every framework only choose which *window* of
it is returned, ``full[lead : lead + size]``, with zeros where the window passes the end. Without an
explicit output size each convention removes the same samples whatever the input size is: ``before``
of them at the start and ``after`` at the end (negative where the window passes the end). So
:func:`crops` holds the conventions, and :func:`window` applies them to a size.

References:
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, arXiv
    1603.07285: their relationships 8 to 15 are the sizes of these windows.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry.axis_arguments import AxisPadding, at_least, integer, padding_name, samples_of_axis
from tfdeconv.geometry.forward_convolution import effective_kernel_size


class Window(NamedTuple):
    """The samples ``lead .. lead + size - 1`` of the full output along one axis.

    Attributes:
        lead: The first sample of the full output that is returned.
        size: Samples that are returned; those past the end of the full output are zeros.

    Example:
        >>> lead, size = Window(lead=1, size=4)
        >>> lead + size
        5
    """

    lead: int
    size: int


def full_size(input_size: Any, kernel_size: int, stride: int, dilation_rate: int = 1) -> Any:
    """Return the size of the uncropped output: ``(i - 1) * s + ke`` (relationship 12).

    Args:
        input_size: Samples along the axis; an int, or an integer scalar tensor where the size is
            known only at run time.
        kernel_size: Taps of the kernel along the axis.
        stride: Output samples between the stamps of neighbouring inputs.
        dilation_rate: Output samples between neighbouring taps.

    Returns:
        The full size, an int for an int.

    Example:
        >>> full_size(2, kernel_size=3, stride=2)
        5
    """
    return (input_size - 1) * stride + effective_kernel_size(kernel_size, dilation_rate)


def same_lead(full: Any, size: Any, *, maximum: Callable[[Any, int], Any] = max) -> Any:
    """Return the lead of TensorFlow's SAME window of ``size`` samples out of ``full``.

    TensorFlow splits what is cropped evenly and puts the odd sample at the end; nothing is cropped
    where the window is longer than the full output. ``maximum`` is ``tf.maximum`` for tensors.

    Example:
        >>> same_lead(5, 4), same_lead(6, 4), same_lead(2, 4)
        (0, 1, 0)
    """
    return maximum(full - size, 0) // 2


def crops(
    kernel_size: int,
    stride: int,
    *,
    padding: AxisPadding = "valid",
    output_padding: int | None = None,
    dilation_rate: int = 1,
) -> tuple[int, int]:
    """Return how many samples a convention removes from the (start, end) of the full output.

    Args:
        kernel_size: Taps of the kernel along the axis.
        stride: Stride of the axis.
        padding: "valid" or "same" with Keras's meaning; an int is cropped from both ends, as in
            PyTorch and Caffe; a pair is cropped from (start, end), and its second number may be
            negative.
        output_padding: Extra samples at the end. None: Keras's default size for "valid" and "same",
            0 otherwise. Below ``stride`` for "valid" and "same" (as Keras), below
            ``max(stride, dilation_rate)`` otherwise (as PyTorch).
        dilation_rate: Dilation of the axis.

    Returns:
        (before, after); ``before >= 0``, and a negative ``after`` extends the output with zeros.

    Raises:
        InvalidArgumentError: An argument is out of its range, or the combination has no legal size.

    Example:
        >>> crops(3, 2, padding="same")  # Keras: the last of 2 * i + 1 samples is dropped
        (0, 1)
        >>> crops(3, 2, padding=1, output_padding=1)  # PyTorch's usual doubling
        (1, 0)
    """
    kernel_size = at_least(1, "kernel_size", kernel_size)
    stride = at_least(1, "strides", stride)
    dilation_rate = at_least(1, "dilation_rate", dilation_rate)
    ke = effective_kernel_size(kernel_size, dilation_rate)
    if isinstance(padding, str):
        return _keras_crops(ke, stride, padding_name(padding), output_padding)
    samples = samples_of_axis(padding)
    before, after = samples if isinstance(samples, tuple) else (samples, samples)
    extra = 0 if output_padding is None else at_least(0, "output_padding", output_padding)
    if extra >= max(stride, dilation_rate):
        raise InvalidArgumentError(
            f"output_padding must be below max(strides, dilation_rate) = {max(stride, dilation_rate)} "
            f"when padding is given in samples; received {extra}. Larger outputs: use a negative second "
            "number in padding=(before, after)."
        )
    return before, after - extra


def _keras_crops(ke: int, stride: int, padding: str, output_padding: int | None) -> tuple[int, int]:
    """The crops of Keras's "valid" and "same" (keras.layers.ConvNDTranspose over TensorFlow)."""
    if output_padding is not None:
        output_padding = at_least(0, "output_padding", output_padding)
        if output_padding >= stride:
            raise InvalidArgumentError(
                f"output_padding must be below strides = {stride} with padding={padding!r}; received "
                f"{output_padding}. Choose from 0 to {stride - 1}, or leave it None."
            )
    if padding == "valid":
        return 0, (ke - max(ke, stride) if output_padding is None else -output_padding)
    if output_padding is None:
        total = ke - stride  # size i * s
    else:
        if ke % 2 + output_padding == 0:
            raise InvalidArgumentError(
                f"output_padding must be at least 1 with padding='same' and an even effective kernel size "
                f"({ke}): 0 asks for (i - 1) * strides samples, which a 'same' convolution maps to i - 1 "
                "inputs. Received 0. Use output_padding=None for i * strides samples."
            )
        total = ke - ke % 2 - output_padding  # size (i - 1) * s + ke % 2 + output_padding
    before = same_lead(total, 0)
    return before, total - before


def output_size_range(
    input_size: int, kernel_size: int, stride: int, padding: AxisPadding, dilation_rate: int = 1
) -> range:
    """Return every output size that the forward convolution maps back to ``input_size``.

    A convolution of stride ``s`` gives the same output size for ``s`` neighbouring input sizes, so a
    transposed convolution may return any of these (Dumoulin and Visin, relationship 14).

    Example:
        >>> output_size_range(7, kernel_size=3, stride=2, padding="same")
        range(13, 15)
        >>> output_size_range(7, kernel_size=3, stride=2, padding=1)  # PyTorch
        range(13, 15)
    """
    least = min(at_least(0, "input_size", input_size), 1)  # a size of 0 comes of 0 samples alone
    first = smallest_output_size(input_size, kernel_size, stride, padding, dilation_rate)
    return range(max(first, least), max(first + stride, least))


def smallest_output_size(
    input_size: Any, kernel_size: int, stride: int, padding: AxisPadding, dilation_rate: int = 1
) -> Any:
    """Return the first size of :func:`output_size_range`; ``input_size`` may be a scalar tensor.

    Example:
        >>> smallest_output_size(7, kernel_size=3, stride=2, padding="valid")
        15
    """
    if isinstance(padding, str) and padding_name(padding) == "same":
        return (input_size - 1) * at_least(1, "strides", stride) + 1
    samples = padding if not isinstance(padding, str) else 0
    before, after = crops(kernel_size, stride, padding=samples, dilation_rate=dilation_rate)
    return full_size(input_size, kernel_size, stride, dilation_rate) - before - after


def window(
    input_size: int,
    kernel_size: int,
    stride: int,
    *,
    padding: AxisPadding = "valid",
    output_padding: int | None = None,
    output_size: int | None = None,
    dilation_rate: int = 1,
) -> Window:
    """Return the window of Keras's and TensorFlow's conventions, and of paddings in samples.

    Args:
        input_size: Samples along the axis, at least 0. From 0 samples comes what the formula gives for
            them, as in Keras: zeros, or no samples where it is negative.
        kernel_size: Taps of the kernel.
        stride: Stride of the axis.
        padding: As in :func:`crops`.
        output_padding: As in :func:`crops`; excludes ``output_size``.
        output_size: One of :func:`output_size_range`. None: the convention's own size.
        dilation_rate: Dilation of the axis.

    Returns:
        The window of the full output.

    Raises:
        InvalidArgumentError: An argument is out of its range; the message holds the legal range.

    Example:
        >>> window(2, kernel_size=3, stride=2, padding="same")
        Window(lead=0, size=4)
        >>> window(7, kernel_size=3, stride=2, padding="same", output_size=13)
        Window(lead=1, size=13)
    """
    if output_size is None:
        cropped = crops(
            kernel_size, stride, padding=padding, output_padding=output_padding, dilation_rate=dilation_rate
        )
        return cropped_window(input_size, kernel_size, stride, cropped, padding, dilation_rate)
    input_size = at_least(0, "input_size", input_size)
    check_exclusive(output_padding, output_size)
    size = integer("output_shape", output_size)
    legal = output_size_range(input_size, kernel_size, stride, padding, dilation_rate)
    if not legal:
        largest = smallest_output_size(input_size, kernel_size, stride, padding, dilation_rate) + stride - 1
        positive_size(largest, input_size, kernel_size, stride, padding)
    if size not in legal:
        raise InvalidArgumentError(
            f"output_shape must lie in [{legal.start}, {legal.stop - 1}] for input {input_size}, kernel "
            f"{kernel_size}, stride {stride}"
            + (f", dilation {dilation_rate}" if dilation_rate != 1 else "")
            + f" and padding {padding!r}; received {size}."
        )
    if isinstance(padding, str):
        full = full_size(input_size, kernel_size, stride, dilation_rate)
        return Window(same_lead(full, size) if padding_name(padding) == "same" else 0, size)
    before, _ = crops(kernel_size, stride, padding=padding, dilation_rate=dilation_rate)
    return Window(before, size)


def check_exclusive(output_padding: int | None, output_size: Any) -> None:
    """Raise InvalidArgumentError where both ways to choose an output size are used.

    Example:
        >>> check_exclusive(None, 14)
    """
    if output_padding is not None:
        raise InvalidArgumentError(
            f"output_padding and an output size exclude each other; received output_padding={output_padding} "
            f"and output size {output_size}. Give one of them."
        )


def torch_window(
    input_size: int,
    kernel_size: int,
    stride: int,
    padding: int,
    output_padding: int,
    dilation_rate: int = 1,
) -> Window:
    """Return the window of torch.nn.ConvTransposeNd (and, with output_padding 0, of Caffe's Deconvolution).

    Args:
        input_size: Samples along the axis, at least 1.
        kernel_size: Taps of the kernel.
        stride: Stride of the axis.
        padding: Samples cropped from both ends, at least 0.
        output_padding: Samples added at the end, below ``max(stride, dilation_rate)``.
        dilation_rate: Dilation of the axis.

    Example:
        >>> torch_window(7, kernel_size=3, stride=2, padding=1, output_padding=1)
        Window(lead=1, size=14)
    """
    return window(
        input_size,
        kernel_size,
        stride,
        padding=at_least(0, "padding", padding),
        output_padding=output_padding,
        dilation_rate=dilation_rate,
    )


def phases(kernel_size: int, stride: int, dilation_rate: int = 1) -> list[int]:
    """Return the phase, output position modulo ``stride``, that each tap of the kernel contributes to.

    A constant input gives an output without checkerboard if and only if the weights of every phase
    have the same sum (Odena, Dumoulin and Olah 2016).

    Example:
        >>> phases(5, stride=3)
        [0, 1, 2, 0, 1]
    """
    return [tap * dilation_rate % stride for tap in range(kernel_size)]


def cropped_window(
    input_size: Any,
    kernel_size: int,
    stride: int,
    cropped: tuple[int, int],
    padding: AxisPadding,
    dilation_rate: int = 1,
) -> Window:
    """Return what is left when ``cropped`` samples, from :func:`crops`, are removed at the (start, end).

    ``input_size`` may be a scalar tensor, and is the size then; ``padding`` is named in errors.

    Example:
        >>> cropped_window(2, 3, 2, (0, 1), "same")
        Window(lead=0, size=4)
    """
    before, after = cropped
    size = full_size(input_size, kernel_size, stride, dilation_rate) - before - after
    if not isinstance(size, Integral):  # a tensor; NumPy's integers are checked as ints are
        return Window(before, size)
    if at_least(0, "input_size", input_size) == 0:  # nothing comes of nothing, as in Keras
        return Window(before, max(int(size), 0))
    return Window(before, positive_size(int(size), input_size, kernel_size, stride, padding))


def positive_size(size: int, input_size: int, kernel_size: int, stride: int, padding: object) -> int:
    """Return the output size ``size``.

    Raises:
        InvalidArgumentError: It is below 1; the message holds the numbers that it follows from.

    Example:
        >>> positive_size(3, 2, kernel_size=3, stride=2, padding=1)
        3
    """
    if size < 1:
        raise InvalidArgumentError(
            f"padding must leave at least 1 output sample; padding {padding!r} leaves {size} for input "
            f"{input_size}, kernel {kernel_size}, stride {stride}. Use a smaller padding."
        )
    return size
