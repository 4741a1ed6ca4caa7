"""Exact ways to compute a transposed convolution, by name.

Every lowering computes any window of the full output, in channels-last layout with two or three
spatial axes (:func:`tfdeconv.ops.conv_transpose` maps the other cases onto these), and is
differentiable. One that cannot compute a problem says so by raising; nothing falls back silently.
"""

from types import MappingProxyType

from tfdeconv.ops.lowerings import depthwise, gradient, scatter, subpixel, two_pass, zero_insertion
from tfdeconv.ops.lowerings.lowering import Lowering, Problem

_REGISTERED = (
    gradient.LOWERING,
    subpixel.LOWERING,
    two_pass.LOWERING,
    scatter.LOWERING,
    depthwise.LOWERING,
    zero_insertion.LOWERING,
)

LOWERINGS = MappingProxyType({lowering.name: lowering for lowering in _REGISTERED})
"""Name -> :class:`Lowering`, in order of registration."""

__all__ = ["LOWERINGS", "Lowering", "Problem"]
