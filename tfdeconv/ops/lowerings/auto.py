"""The rule behind ``lowering="auto"``: which lowering is expected to be fastest, without measuring.

On a processor, in float32 or float64, with ``C`` channels, ``F`` filters, ``K`` taps, ``P`` phases
(the product of the strides), each of a group:

1. One channel or one filter in each of several groups: ``depthwise``.
2. At most 128 input positions (batch included), each with 50,000 weights or more: ``scatter``.
   Reading the kernel is the whole cost, and scatter reads it once and rearranges nothing.
3. ``K * C >= 128``, and few filters: ``subpixel`` or ``two_pass``, whichever multiplies less, where
   that is less than five eighths of what ``gradient`` multiplies. oneDNN computes 16 output channels at a
   time, so a convolution to ``n`` channels costs as much as one to ``ceil(n / 16) * 16``: ``gradient``
   pays ``K * C * ceil16(F)`` for each input position, ``subpixel`` pays ``T * C * ceil16(P * F)`` with
   about ``K / P`` taps ``T``, or less for blocks of several samples (:mod:`.polyphase.wide_blocks`), and
   ``two_pass`` the sum of its two convolutions. The second pass of
   ``two_pass`` makes it pay only where it multiplies a quarter less than ``subpixel``.
4. Otherwise, and in half precision: ``gradient``. Its kernel reaches the processor's peak once the filters
   fill the vectors.

On a GPU, in every precision: rule 1; ``subpixel`` where rule 3 has few filters, whichever of its two forms;
and else ``gradient``, which is cuDNN's kernel.

``benchmarks/README.md`` has the measurements behind these numbers.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfdeconv.ops.lowerings.lowering import Problem
from tfdeconv.ops.lowerings.polyphase.axis_phases import AxisPhases
from tfdeconv.ops.lowerings.polyphase.decomposition import all_phases
from tfdeconv.ops.lowerings.polyphase.wide_blocks import fewest_products, products, vectors

MOST_POSITIONS = 128
LEAST_WEIGHTS_PER_POSITION = 50_000
LEAST_PRODUCTS = 128
GAIN = 1.6
"""How many times more ``gradient`` must multiply for another form to pay for its rearranging."""
SECOND_PASS = 1.3
"""What the second pass of ``two_pass`` costs besides its multiplications, as a factor."""


def choose(x: tf.Tensor, problem: Problem) -> str:
    """Return the name of a lowering that applies to ``problem``.

    Args:
        x: The input ``[batch, *sizes, channels]``; its static shape, dtype and device count.
        problem: The transposed convolution.

    Example:
        >>> from tfdeconv.geometry import ConvTransposeGeometry
        >>> from tfdeconv.ops.output_window import resolve
        >>> geometry = ConvTransposeGeometry.of((9, 9), strides=2, padding="same")
        >>> x = tf.zeros([1, 128, 128, 56])
        >>> choose(x, Problem(geometry, 56, 1, 1, resolve(geometry, x, None)))
        'subpixel'
    """
    if _on_gpu(x):
        return choose_for_gpu(problem)
    if _by_channel(problem):
        return "depthwise"
    if x.dtype not in (tf.float32, tf.float64):
        return "gradient"
    positions = x.shape[:-1].num_elements()
    if positions is not None and positions <= MOST_POSITIONS:
        taps = math.prod(problem.geometry.kernel_size)
        weights = taps * problem.channels * problem.filters // problem.groups
        if weights >= positions * LEAST_WEIGHTS_PER_POSITION:
            return "scatter"
    return _fewest_products(problem)


def choose_for_gpu(problem: Problem) -> str:
    """Return the name of the lowering that is expected to be fastest on a GPU.

    Args:
        problem: The transposed convolution.

    Example:
        >>> from tfdeconv.geometry import ConvTransposeGeometry
        >>> from tfdeconv.ops.output_window import OutputWindow
        >>> geometry = ConvTransposeGeometry.of((4, 4), strides=2, padding="same")
        >>> window = OutputWindow(geometry.crops, ())
        >>> [choose_for_gpu(Problem(geometry, 64, filters, 1, window)) for filters in (3, 64)]
        ['subpixel', 'gradient']
    """
    if _by_channel(problem):
        return "depthwise"
    return "gradient" if _fewest_products(problem) == "gradient" else "subpixel"


def _by_channel(problem: Problem) -> bool:
    return problem.groups > 1 and problem.groups in (problem.channels, problem.filters)


def _on_gpu(x: tf.Tensor) -> bool:
    if x.device:
        return "GPU" in x.device.upper()
    return bool(tf.config.get_visible_devices("GPU"))  # where the placer will put it


def _fewest_products(problem: Problem) -> str:
    """Rule 3, for one group; products are counted for each input position."""
    channels, filters = problem.channels // problem.groups, problem.filters // problem.groups
    taps = math.prod(problem.geometry.kernel_size)
    if taps * channels < LEAST_PRODUCTS:
        return "gradient"
    axes = all_phases(problem)
    phases = math.prod(problem.strides)
    subpixel = channels * products(axes, fewest_products(axes, filters), filters)
    partial = math.prod(problem.strides[:-1]) * problem.geometry.kernel_size[-1] * filters
    two_pass = (
        _rows(axes[:-1]) * channels * vectors(partial)
        + _rows(axes[-1:]) * partial * vectors(phases * filters)
    ) * SECOND_PASS
    if min(subpixel, two_pass) * GAIN > taps * channels * vectors(filters):
        return "gradient"
    return "subpixel" if subpixel <= two_pass else "two_pass"


def _rows(axes: list[AxisPhases]) -> int:
    return math.prod(len(axis.rows) for axis in axes)
