"""What a lowering is, and the problem it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from tfdeconv.ops.output_window import OutputWindow


@dataclass(frozen=True)
class Problem:
    """A transposed convolution as a lowering sees it: channels-last, 2 or 3 spatial axes.

    Attributes:
        strides: Stride of each spatial axis.
        dilation_rate: Dilation of each spatial axis.
        groups: Independent groups of channels; divides channels and filters.
        window: The samples of the full output to return.
    """

    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    groups: int
    window: OutputWindow


@dataclass(frozen=True)
class Lowering:
    """One exact way to compute a transposed convolution.

    Attributes:
        name: The value of ``lowering=`` that selects it.
        check: Called as ``check(x, kernel, problem)``; raises LoweringNotApplicable with the reason
            where this lowering cannot compute the problem.
        compute: Called as ``compute(x, kernel, problem)`` with ``x`` ``[batch, *sizes, channels]``
            and ``kernel`` ``[*kernel_size, filters // groups, channels]``; returns
            ``[batch, *problem.window.sizes, filters]``.
    """

    name: str
    check: Callable[[tf.Tensor, tf.Tensor, Problem], None]
    compute: Callable[[tf.Tensor, tf.Tensor, Problem], tf.Tensor]
