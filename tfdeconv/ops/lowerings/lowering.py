"""What a lowering is, and the problem it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import tensorflow as tf

from tfdeconv.geometry import ConvTransposeGeometry
from tfdeconv.ops.output_window import OutputWindow
from tfdeconv.ops.tensors.empty_axes import on_samples
from tfdeconv.ops.tensors.shapes import spatial_sizes


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

    def on_samples(self, compute: Callable[[tf.Tensor, Problem], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        """Return ``compute(x, self)``; zeros where ``x`` has no sample, which lowerings need not take."""
        if all(x.shape[:-1]):
            return compute(x, self)

        def on_filled(filled: tf.Tensor) -> tf.Tensor:
            full = self.geometry.full_sizes(spatial_sizes(filled))
            sizes = tuple(
                size if known else whole - before - after
                for known, size, whole, (before, after) in zip(
                    x.shape[1:-1], self.window.sizes, full, self.window.crops, strict=True
                )
            )
            return compute(filled, replace(self, window=replace(self.window, sizes=sizes)))

        least = self.geometry.least_input_sizes(self.window.crops) if self.window.static else None
        return on_samples(on_filled, x, self.window.sizes, least=least)


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
            ``[batch, *problem.window.sizes, filters]``. It need not take an ``x`` without samples.
        adjoint_gradient: Whether training is faster with :func:`.adjoint.with_adjoint_gradient` than
            with the gradients of ``run``'s own ops.
    """

    name: str
    check: Callable[[Problem], None]
    prepare: Callable[[tf.Tensor, Problem], tf.Tensor]
    run: Callable[[tf.Tensor, tf.Tensor, Problem], tf.Tensor]
    adjoint_gradient: bool = False

    def compute(self, x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
        """Compute ``problem``, or raise LoweringNotApplicable; ``x`` has samples."""
        self.check(problem)
        return self.run(x, self.prepare(kernel, problem), problem)

    def apply(self, x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
        """Compute ``problem``, which :attr:`check` accepts, from the prepared kernel."""
        return problem.on_samples(lambda x, problem: self.run(x, prepared, problem), x)


def applies_always(problem: Problem) -> None:
    """The check of a lowering that computes every problem."""
    return  # a body of the docstring alone breaks AutoGraph
