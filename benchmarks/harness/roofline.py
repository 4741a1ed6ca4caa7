"""What the processor could do at most: its measured peak of arithmetic and of copying.

A layer has to multiply and add a number of times, and to read its input and kernel and write its output,
however it is computed. The longer of both, at the measured peaks, is the least time that it can take
(Williams, Waterman and Patterson 2009, "Roofline"); the share is that time divided by the time measured. Data
that stay in the cache can pass 100% of copying, which is measured in memory; and on a machine that does other
work meanwhile both the peaks and the times are those of its quietest moments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf
from harness.contest import race

PRODUCT_SIZE = 1024
IMAGES, SIDE, CHANNELS, TAPS = 4, 32, 256, 3
COPIED_FLOATS = 2**24


@dataclass(frozen=True)
class Peak:
    """Measured peaks.

    Attributes:
        operations: Multiplications and additions each millisecond, of a large matrix product or a large
            convolution, whichever does more: TensorFlow computes them by different libraries.
        bytes_moved: Bytes read and written each millisecond, of a copy larger than the caches.
    """

    operations: float
    bytes_moved: float

    def __str__(self) -> str:
        return f"{self.operations / 1e6:.0f} GFLOP/s, {self.bytes_moved / 1e6:.0f} GB/s"

    def share(self, milliseconds: float, operations: float, bytes_moved: float) -> str:
        """Return which peak bounds the work, and how much of it was reached."""
        arithmetic, memory = operations / self.operations, bytes_moved / self.bytes_moved
        bound = "arithmetic" if arithmetic >= memory else "copy"
        return f"{max(arithmetic, memory) / milliseconds:.0%} {bound}"


def measured(seconds: float) -> Peak:
    """Return the peaks of this machine, in TensorFlow and on all its cores."""
    a = tf.random.stateless_uniform([PRODUCT_SIZE, PRODUCT_SIZE], [1, 2])
    x = tf.random.stateless_uniform([COPIED_FLOATS], [3, 4])
    images = tf.random.stateless_uniform([IMAGES, SIDE, SIDE, CHANNELS], [5, 6])
    kernel = tf.random.stateless_uniform([TAPS, TAPS, CHANNELS, CHANNELS], [7, 8])
    runs = {
        "convolution": tf.function(lambda: tf.nn.conv2d(images, kernel, 1, "SAME"), autograph=False),
        "product": tf.function(lambda: tf.matmul(a, a), autograph=False),
        "copy": tf.function(lambda: -x, autograph=False),  # the cheapest op that TensorFlow does not elide
    }
    times = race({name: lambda run=run: run() for name, run in runs.items()}, seconds)
    convolution = 2 * IMAGES * SIDE**2 * CHANNELS**2 * TAPS**2
    operations = max(2 * PRODUCT_SIZE**3 / times["product"], convolution / times["convolution"])
    return Peak(operations, 2 * 4 * COPIED_FLOATS / times["copy"])


def best(peaks: Sequence[Peak]) -> Peak:
    """Return the highest of peaks measured at several times: other work on the machine only lowers them."""
    return Peak(max(peak.operations for peak in peaks), max(peak.bytes_moved for peak in peaks))


def transposed_work(
    batch: int, sizes: Sequence[int], channels: int, filters: int, kernel_size: int, stride: int
) -> tuple[float, float]:
    """Return the operations and the bytes of a transposed convolution with "same" padding, in float32."""
    positions, rank = batch * math.prod(sizes), len(sizes)
    weights = kernel_size**rank * channels * filters
    values = positions * (channels + stride**rank * filters) + weights
    return 2.0 * positions * weights, 4.0 * values
