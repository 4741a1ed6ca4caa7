"""Windows that TensorFlow's gradient-of-convolution ops return by themselves."""

from __future__ import annotations

from tfdeconv import geometry
from tfdeconv.ops.output_window import OutputWindow


def native_padding(
    kernel_size: tuple[int, ...], strides: tuple[int, ...], window: OutputWindow
) -> str | list[tuple[int, int]] | None:
    """Return the ``padding`` with which the op itself returns the window; None where it cannot.

    The op accepts an output size only if the forward convolution maps it back to the input size.

    Example:
        >>> native_padding((3, 3), (2, 2), OutputWindow(leads=(0, 0), tails=(1, 1), sizes=(4, 4)))
        'SAME'
    """
    if not window.static:
        return None
    axes = list(zip(window.leads, window.tails, kernel_size, strides, strict=True))
    if all(
        lead == geometry.same_lead(lead + tail, 0) and 1 <= taps - lead - tail <= stride
        for lead, tail, taps, stride in axes
    ):
        return "SAME"
    if any(tail <= -stride for _, tail, _, stride in axes):
        return None
    if not any(lead > 0 or tail > 0 for lead, tail, _, _ in axes):
        return "VALID"
    if len(axes) == 2:  # the 3-D op takes no explicit padding
        return [(0, 0), *((lead, max(tail, 0)) for lead, tail, _, _ in axes), (0, 0)]
    return None
