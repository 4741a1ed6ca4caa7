"""Constraints that keep a learned transposed convolution free of checkerboards."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class EqualPhaseSums(keras.constraints.Constraint):
    """Project the kernel of a transposed convolution onto those without interior checkerboard.

    A constant input gives a constant interior if and only if, for each pair of input and output
    channel, the weights of all ``prod(strides)`` phases have equal sums. The projection is the nearest
    such kernel: every phase sum ``P`` moves to the mean of all, weighted by ``1 / taps of the phase``,
    by an equal change of its taps.

    Args:
        strides: The layer's strides; an int or one for each axis.
        dilation_rate: The layer's dilation; an int or one for each axis.

    Raises:
        InvalidArgumentError: An argument breaks a rule, or a phase has no taps (a kernel below the stride,
            or a dilation that shares a factor with the stride): its sum is 0 whatever the weights are.

    Example:
        >>> kernel = EqualPhaseSums(2)(tf.reshape([1.0, 3.0, 5.0], [3, 1, 1]))
        >>> kernel.numpy().ravel()  # the phases, taps 0 and 2 and tap 1, now have one sum
        array([0., 4., 4.], dtype=float32)

    References:
        Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
    """

    def __init__(self, strides: int | Sequence[int], dilation_rate: int | Sequence[int] = 1) -> None:
        self.strides = axis_arguments.int_or_ints("strides", strides)
        self.dilation_rate = axis_arguments.int_or_ints("dilation_rate", dilation_rate)

    def __call__(self, w: Any) -> tf.Tensor:
        """Return the projection of ``w`` ``[*kernel_size, filters // groups, channels]``."""
        w = tf.convert_to_tensor(w)
        axis_arguments.spatial_rank(w.shape)
        *kernel_size, outputs, channels = w.shape
        membership = self._membership(kernel_size)  # (taps, phases): 1 where the tap is of the phase
        taps = membership.sum(0)
        if not taps.all():
            raise InvalidArgumentError(
                f"EqualPhaseSums needs a tap in every phase; kernel {tuple(kernel_size)}, strides "
                f"{self.strides} and dilation {self.dilation_rate} leave some without. Use a kernel of at "
                "least strides taps and a dilation that shares no factor with the strides."
            )
        members = tf.constant(membership, w.dtype)
        flat = tf.reshape(w, [len(membership), outputs * channels])
        sums = tf.matmul(members, flat, transpose_a=True)
        weights = tf.constant((1 / taps)[:, None], w.dtype)
        target = tf.reduce_sum(sums * weights, axis=0) / tf.reduce_sum(weights)
        return tf.reshape(flat + tf.matmul(members, (target - sums) * weights), w.shape)

    def _membership(self, kernel_size: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
        rank = len(kernel_size)
        strides = axis_arguments.per_axis("strides", self.strides, rank)
        dilations = axis_arguments.per_axis("dilation_rate", self.dilation_rate, rank)
        phase_of_tap = list(itertools.product(*map(geometry.phases, kernel_size, strides, dilations)))
        every_phase = list(itertools.product(*map(range, strides)))
        return np.array([[float(of == phase) for phase in every_phase] for of in phase_of_tap])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"strides": self.strides, "dilation_rate": self.dilation_rate}
