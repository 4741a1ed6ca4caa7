"""ONNX's way of naming a window: ``pads``, ``auto_pad``, ``output_padding`` and ``output_shape``."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry.axis import Window, crops, full_size, positive_size, same_lead
from tfdeconv.geometry.axis_arguments import at_least

AutoPad: TypeAlias = Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]


def onnx_window(
    input_size: int,
    kernel_size: int,
    stride: int,
    *,
    pads: tuple[int, int] = (0, 0),
    output_padding: int = 0,
    output_size: int | None = None,
    auto_pad: AutoPad = "NOTSET",
    dilation_rate: int = 1,
) -> Window:
    """Return the window of ONNX's ConvTranspose (opset 11 and newer).

    Args:
        input_size: Samples along the axis, at least 1.
        kernel_size: Taps of the kernel.
        stride: Stride of the axis.
        pads: Samples cropped from the (begin, end) of this axis; used by ``auto_pad="NOTSET"``
            without an ``output_size``.
        output_padding: Samples added at the end, below ``max(stride, dilation_rate)``.
        output_size: The ``output_shape`` attribute of this axis; ``pads`` follow from it.
        auto_pad: ONNX's attribute. SAME_UPPER and SAME_LOWER return ``input_size * stride`` samples, or
            the full output (with ``output_padding``) where that is shorter.
        dilation_rate: Dilation of the axis.

    Raises:
        InvalidArgumentError: An argument is out of its range.

    Example:
        >>> onnx_window(3, kernel_size=3, stride=2, pads=(1, 1), output_padding=1)
        Window(lead=1, size=6)
        >>> onnx_window(3, kernel_size=3, stride=2, auto_pad="SAME_LOWER")
        Window(lead=1, size=6)
    """
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise InvalidArgumentError(
            f"auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID; received {auto_pad!r}."
        )
    if not isinstance(pads, list | tuple) or len(pads) != 2:
        raise InvalidArgumentError(f"pads must be a pair (begin, end); received {pads}.")
    begin, end = (0, 0) if auto_pad == "VALID" else (at_least(0, "pads", pad) for pad in pads)
    before, after = crops(
        kernel_size, stride, padding=(begin, end), output_padding=output_padding, dilation_rate=dilation_rate
    )
    input_size = at_least(1, "input_size", input_size)
    full = full_size(input_size, kernel_size, stride, dilation_rate)
    if output_size is None and auto_pad in ("NOTSET", "VALID"):
        return Window(before, positive_size(full - before - after, input_size, kernel_size, stride, pads))
    natural = full + output_padding
    if output_size is None:
        size = min(input_size * stride, natural)  # as ONNX Runtime and ONNX's shape inference: pads >= 0
    else:
        size = at_least(1, "output_shape", output_size)
    upper = same_lead(natural, size)  # the smaller half in front
    if auto_pad == "SAME_UPPER":
        return Window(upper, size)
    return Window(max(natural - size, 0) - upper, size)
