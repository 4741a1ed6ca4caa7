"""What a lowering is, and the problem it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import tensorflow as tf

from tfdeconv.ops.empty_batch import on_nonempty_batch
from tfdeconv.ops.output_window import OutputWindow


@dataclass(frozen=True)
class Problem:
    """A transposed convolution as a lowering sees it: channels-last, 2 or 3 spatial axes.

    Attributes:
        kernel_size: Taps of the kernel along each spatial axis.
        channels: Channels of the input.
        filters: Channels of the output.
        strides: Stride of each spatial axis.
        dilation_rate: Dilation of each spatial axis.
        groups: Independent groups of channels; divides channels and filters.
        window: The samples of the full output to return.
    """

    kernel_size: tuple[int, ...]
    channels: int
    filters: int
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    groups: int
    window: OutputWindow

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.strides)

    def with_leading_axis(self) -> Problem:
        """Return the same problem with one more spatial axis, of size and kernel size 1, in front."""
        window = self.window
        return replace(
            self,
            kernel_size=(1, *self.kernel_size),
            strides=(1, *self.strides),
            dilation_rate=(1, *self.dilation_rate),
            window=OutputWindow((0, *window.leads), (0, *window.tails), (1, *window.sizes)),
        )


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
        return self.apply(x, self.prepare(kernel, problem), problem)

    def apply(self, x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
        """Compute ``problem``, which :attr:`check` accepts, from the prepared kernel."""
        return on_nonempty_batch(lambda x: self.run(x, prepared, problem), x)


def applies_always(problem: Problem) -> None:
    """The check of a lowering that computes every problem."""
    return  # a body of the docstring alone breaks AutoGraph
