"""Kernels that make a transposed convolution start as an interpolation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv._keras_registration import PACKAGE
from tfdeconv.errors import InvalidArgumentError


@keras.saving.register_keras_serializable(package=PACKAGE)
class Bilinear(keras.initializers.Initializer):
    """Linear interpolation kernels (linear in 1-D, bilinear in 2-D, trilinear in 3-D).

    For interpolation by a factor ``f`` use ``strides=f``, ``padding="same"`` and a kernel of
    ``geometry.linear_kernel_size(f)`` taps.

    Args:
        groups: The layer's ``groups``.
        slices: "diagonal": output j of a group interpolates input j of that group, and every other
            slice is 0, as FCN writes it on a dense kernel. "every": all slices hold the
            interpolation, as Caffe's BilinearFiller does, which interpolates only where
            ``groups`` equals the number of channels; anything else is refused.

    Raises:
        InvalidArgumentError: ``groups`` does not fit the kernel's shape, or ``slices`` is unknown.

    Example:
        >>> kernel = Bilinear()([4, 4, 3, 3])
        >>> print(kernel[:, :, 0, 0].numpy())
        [[0.0625 0.1875 0.1875 0.0625]
         [0.1875 0.5625 0.5625 0.1875]
         [0.1875 0.5625 0.5625 0.1875]
         [0.0625 0.1875 0.1875 0.0625]]

    References:
        Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
        section 3.3; the weights are ``geometry.linear_kernel``.
    """

    def __init__(self, groups: int = 1, *, slices: Literal["diagonal", "every"] = "diagonal") -> None:
        if groups < 1:
            raise InvalidArgumentError(f"groups must be at least 1; received {groups}.")
        if slices not in ("diagonal", "every"):
            raise InvalidArgumentError(f"slices must be 'diagonal' or 'every'; received {slices!r}.")
        self.groups = groups
        self.slices = slices

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
        """Return the kernel of ``shape`` ``[*kernel_size, filters // groups, channels]``.

        Example:
            >>> Bilinear(groups=2)([3, 1, 2])[:, 0].numpy()
            array([[0.5, 0.5],
                   [1. , 1. ],
                   [0.5, 0.5]], dtype=float32)
        """
        *kernel_size, outputs, channels = shape
        if channels % self.groups:
            raise InvalidArgumentError(
                f"groups must divide the kernel's {channels} channels (the last axis of {tuple(shape)}); "
                f"received groups={self.groups}."
            )
        if self.slices == "every" and self.groups != channels:
            raise InvalidArgumentError(
                f"slices='every' interpolates only with groups equal to the {channels} channels; received "
                f"groups={self.groups}. Use slices='diagonal', or groups={channels}."
            )
        weights = functools.reduce(
            np.multiply.outer, (np.array(geometry.linear_kernel(k)) for k in kernel_size)
        )
        if self.slices == "every":
            chosen = np.ones((outputs, channels))
        else:
            chosen = np.arange(outputs)[:, None] == np.arange(channels) % (channels // self.groups)
        return tf.constant(np.multiply.outer(weights, chosen), dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"groups": self.groups, "slices": self.slices}
