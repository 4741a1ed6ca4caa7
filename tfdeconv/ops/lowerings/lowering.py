"""What a lowering is, and the problem it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.ops.empty_batch import on_nonempty_batch
from tfdeconv.ops.output_window import OutputWindow


@dataclass(frozen=True)
class Problem:
    """A transposed convolution as a lowering sees it: channels-last, 2 or 3 spatial axes.

    Attributes:
        geometry: Kernel size, strides and dilation; what is cropped is told by ``window``.
        channels: Channels of the input.
        filters: Channels of the output.
        groups: Independent groups of channels; divides channels and filters.
        window: The samples of the full output to return.
    """

    geometry: ConvTransposeGeometry
    channels: int
    filters: int
    groups: int
    window: OutputWindow

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.geometry.kernel_size)

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each spatial axis."""
        return self.geometry.strides

    def with_leading_axis(self) -> Problem:
        """Return the same problem with one more spatial axis, of size and kernel size 1, in front."""
        window = OutputWindow(((0, 0), *self.window.crops), (1, *self.window.sizes))
        return Problem(self.geometry.with_leading_axis, self.channels, self.filters, self.groups, window)


@dataclass(frozen=True)
class Lowering:
    """One exact way to compute a transposed convolution, in two steps.

    What depends on the kernel alone is apart from what depends on the input, so that an inference
    model can store the prepared kernel (:func:`tfdeconv.optimize`).

    Attributes:
        name: The value of ``lowering=`` that selects it.
        check: Called as ``check(problem)``; raises LoweringNotApplicable with the reason where this
            lowering cannot compute the problem.
        prepare: Called as ``prepare(kernel, problem)`` with ``kernel`` ``[*kernel_size,
            filters // groups, channels]``; returns one tensor, which may depend on the leads of
            the window but not on its sizes.
        run: Called as ``run(x, prepared, problem)`` with ``x`` ``[batch, *sizes, channels]``; returns
            ``[batch, *problem.window.sizes, filters]``. It need not be right for an empty batch.
        adjoint_gradient: Whether training is faster with :func:`.adjoint.with_adjoint_gradient` than
            with the gradients of ``run``'s own ops.
    """

    name: str
    check: Callable[[Problem], None]
    prepare: Callable[[tf.Tensor, Problem], tf.Tensor]
    run: Callable[[tf.Tensor, tf.Tensor, Problem], tf.Tensor]
    adjoint_gradient: bool = False

    def compute(self, x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
        """Compute ``problem``, or raise LoweringNotApplicable."""
        self.check(problem)
        prepared = self.prepare(kernel, problem)
        if x.shape[0]:  # as apply, without its frames: this is the way of every eager call
            return self.run(x, prepared, problem)
        return self.apply(x, prepared, problem)

    def apply(self, x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
        """Compute ``problem``, which :attr:`check` accepts, from the prepared kernel."""
        return on_nonempty_batch(lambda x: self.run(x, prepared, problem), x)


def applies_always(problem: Problem) -> None:
    """The check of a lowering that computes every problem."""
    return  # a body of the docstring alone breaks AutoGraph
