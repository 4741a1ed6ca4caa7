"""Windows that TensorFlow's gradient-of-convolution ops return by themselves."""

from __future__ import annotations

from tfdeconv.geometry import same_lead
from tfdeconv.ops.output_window import OutputWindow


def native_padding(
    kernel_size: tuple[int, ...], strides: tuple[int, ...], window: OutputWindow
) -> str | list[tuple[int, int]] | None:
    """Return the ``padding`` with which the op itself returns the window; None where it cannot.

    The op accepts an output size only if the forward convolution maps it back to the input size.

    Example:
        >>> native_padding((3, 3), (2, 2), OutputWindow(((0, 1), (0, 1)), sizes=(4, 4)))
        'SAME'
    """
    if not window.static:
        return None
    crops = window.crops
    if all(
        before == same_lead(before + after, 0) and 1 <= size - before - after <= stride
        for (before, after), size, stride in zip(crops, kernel_size, strides, strict=True)
    ):
        return "SAME"
    if any(after <= -stride for (_, after), stride in zip(crops, strides, strict=True)):
        return None
    if all(before <= 0 and after <= 0 for before, after in crops):
        return "VALID"
    if len(crops) == 2:  # the 3-D op takes no explicit padding
        return [(0, 0), *((before, max(after, 0)) for before, after in crops), (0, 0)]
    return None
