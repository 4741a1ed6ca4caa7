"""Kernels that make a transposed convolution start as an interpolation."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments
from tfdeconv.keras_registration import PACKAGE


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
        if slices not in ("diagonal", "every"):
            raise InvalidArgumentError(f"slices must be 'diagonal' or 'every'; received {slices!r}.")
        self.groups = axis_arguments.at_least(1, "groups", groups)
        self.slices = slices

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
        """Return the kernel of ``shape`` ``[*kernel_size, filters // groups, channels]``.

        Example:
            >>> Bilinear(groups=2)([3, 1, 2])[:, 0].numpy()
            array([[0.5, 0.5],
                   [1. , 1. ],
                   [0.5, 0.5]], dtype=float32)
        """
        axis_arguments.spatial_rank(shape)
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


@keras.saving.register_keras_serializable(package=PACKAGE)
class ICNR(keras.initializers.Initializer):
    """Make every phase of an upsampling kernel start equal, so that no checkerboard does.

    One random sub-kernel is drawn and repeated for all ``prod(factor)`` phases: the layer starts as a
    convolution followed by a nearest resize.

    Args:
        factor: The layer's factor or strides; an int or one for each axis.
        initializer: Draws the sub-kernel, of the shape of a kernel for factor 1.
        layout: Where the phases are. "dcr" and "crd": in the last axis of a sub-pixel convolution's
            kernel ``[*kernel_size, channels, filters * prod(factor)]``, in that order. "transposed": in
            the taps of a transposed convolution's kernel ``[*kernel_size, filters // groups, channels]``,
            whose sizes ``factor`` must divide.

    Raises:
        InvalidArgumentError: ``factor`` does not divide the kernel's shape, or ``layout`` is unknown.

    Example:
        >>> kernel = ICNR(2)([3, 3, 8, 12])
        >>> bool(tf.reduce_all(kernel[..., 0:3] == kernel[..., 3:6]))
        True

    References:
        Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", arXiv 1707.02937.
    """

    def __init__(
        self,
        factor: int | Sequence[int],
        initializer: Any = "glorot_uniform",
        *,
        layout: Literal["dcr", "crd", "transposed"] = "dcr",
    ) -> None:
        if layout not in ("dcr", "crd", "transposed"):
            raise InvalidArgumentError(f"layout must be 'dcr', 'crd' or 'transposed'; received {layout!r}.")
        self.factor = axis_arguments.int_or_ints("factor", factor)
        self.initializer = keras.initializers.get(initializer)
        self.layout = layout

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
        """Return a kernel of ``shape``.

        Example:
            >>> ICNR(2, "ones", layout="transposed")([4, 1, 1]).numpy().ravel()
            array([1., 1., 1., 1.], dtype=float32)
        """
        shape = tuple(shape)
        factor = axis_arguments.per_axis("factor", self.factor, axis_arguments.spatial_rank(shape))
        repeats = dict(enumerate(factor))
        if self.layout != "transposed":
            repeats = {len(shape) - 1: math.prod(factor)}
        for axis, count in repeats.items():
            if shape[axis] % count:
                raise InvalidArgumentError(
                    f"factor {self.factor} must divide axis {axis} of the kernel's shape {shape} into "
                    f"{count} equal phases; {shape[axis]} is no multiple of {count}."
                )
        drawn = [size // repeats.get(axis, 1) for axis, size in enumerate(shape)]
        kernel = self.initializer(drawn, dtype=dtype or keras.config.floatx())
        if self.layout == "dcr":
            return tf.tile(kernel, [1] * (len(shape) - 1) + [math.prod(factor)])
        for axis, count in repeats.items():  # equal weights stay neighbours
            kernel = tf.repeat(kernel, count, axis=axis)
        return kernel

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "factor": self.factor,
            "initializer": keras.initializers.serialize(self.initializer),
            "layout": self.layout,
        }
