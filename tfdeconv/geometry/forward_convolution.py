"""Sizes and paddings of the convolutions and poolings that run the other way, in pure integers."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, TypeAlias

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry.axis_arguments import at_least

ForwardPadding: TypeAlias = Literal["same", "valid"]
"""Padding of a convolution or pooling, with TensorFlow's meaning."""


def effective_kernel_size(kernel_size: int, dilation_rate: int = 1) -> int:
    """Return the samples that a dilated kernel spans: ``(k - 1) * d + 1`` (relationship 15).

    Example:
        >>> effective_kernel_size(3, dilation_rate=2)
        5
    """
    return (kernel_size - 1) * dilation_rate + 1


def forward_padding(padding: str) -> ForwardPadding:
    """Return the padding of a convolution or pooling in lower case.

    Raises:
        InvalidArgumentError: It is neither "same" nor "valid".

    Example:
        >>> forward_padding("SAME")
        'same'
    """
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("same", "valid"):
        raise InvalidArgumentError(f"padding must be 'same' or 'valid'; received {padding!r}.")
    return "same" if name == "same" else "valid"


def forward_size(input_size: Any, kernel_size: int, stride: int, padding: ForwardPadding) -> Any:
    """Return the output size of a convolution or pooling: ``ceil(i / s)`` or ``(i - k) // s + 1``.

    Args:
        input_size: Samples along the axis; an int or an integer scalar tensor.
        kernel_size: Taps of the kernel, or samples of the pooling window.
        stride: Input samples between neighbouring outputs.
        padding: "same" or "valid" with TensorFlow's meaning.

    Raises:
        InvalidArgumentError: ``padding`` is another name, or an int ``input_size`` has no output. 0 samples
            give 0 where TensorFlow does.

    Example:
        >>> forward_size(7, kernel_size=3, stride=2, padding="same")
        4
        >>> forward_size(8, kernel_size=3, stride=2, padding="valid")
        3
    """
    padding = forward_padding(padding)
    if isinstance(input_size, Integral):
        input_size = at_least(0, "input_size", input_size)
        if input_size == 0 and (padding == "same" or kernel_size < 2 * stride):
            return 0  # TensorFlow rounds (i - k + s) / s towards zero and refuses what is below
        if padding == "valid" and input_size < kernel_size:
            raise InvalidArgumentError(
                f"padding='valid' needs at least kernel_size or pool_size = {kernel_size} samples; received "
                f"{input_size}. Use padding='same'."
            )
    if padding == "same":
        return (input_size + stride - 1) // stride
    return (input_size - kernel_size) // stride + 1


def same_padding_before(
    input_size: int | None, kernel_size: int, stride: int, dilation_rate: int = 1
) -> int | None:
    """Return how many samples TensorFlow's SAME pads in front of a convolution or pooling.

    With ``r`` the samples that the last stride covers (1 to ``stride``), SAME pads
    ``max(ke - r, 0)`` in all and the smaller half in front. An unknown size does not matter where
    every ``r`` gives the same front half.

    Args:
        input_size: Samples along the axis; None where unknown.
        kernel_size: Taps of the kernel.
        stride: Stride of the axis.
        dilation_rate: Dilation of the axis.

    Returns:
        The padding in front; None where it depends on the unknown size.

    Example:
        >>> same_padding_before(224, 3, 2), same_padding_before(225, 3, 2)
        (0, 1)
        >>> same_padding_before(None, 3, 2) is None, same_padding_before(None, 2, 2)
        (True, 0)
    """
    ke = effective_kernel_size(kernel_size, dilation_rate)
    remainders = range(1, stride + 1) if input_size is None else [(input_size - 1) % stride + 1]
    fronts = {max(ke - remainder, 0) // 2 for remainder in remainders}
    return fronts.pop() if len(fronts) == 1 else None
