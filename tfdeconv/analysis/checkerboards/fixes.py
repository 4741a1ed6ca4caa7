"""What to do against a checkerboard: four forms without one, each with the closest kernel it can express.

Every fix is a linear subspace of kernels, so the closest member to a trained kernel is a projection
onto it; its distance says how much of the training survives the change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfdeconv import geometry
from tfdeconv.analysis.arithmetic.operators import operator_matrix
from tfdeconv.analysis.arithmetic.overlap import phase_counts
from tfdeconv.constraints import EqualPhaseSums
from tfdeconv.ops.lowerings.primitives.dilation import fill_dilated

FORMS = ("resize-convolution", "equal phase sums", "ICNR", "bilinear-additive")
"""Every form; of several that are equally close, the one that stands first here comes first."""
TOLERANCE = 1e-6
"""Changes that differ by less are equal: the rest is rounding, which differs between processors."""


@dataclass(frozen=True)
class Fix:
    """One form of upsampling that has no checkerboard by construction.

    Attributes:
        name: Short name.
        advice: What to write instead.
        kernel: The closest kernel of this form, as that of a transposed convolution.
        dilation_rate: Dilation of that kernel.
        change: Its relative distance from the kernel as it is, ``|new - old| / |old|``.
    """

    name: str
    advice: str
    kernel: np.ndarray
    dilation_rate: tuple[int, ...]
    change: float


def fixes(
    kernel: np.ndarray, strides: tuple[int, ...], dilation_rate: tuple[int, ...], *, own: bool = True
) -> tuple[Fix, ...]:
    """Return the forms that apply to a kernel, closest first; equally close ones in the order of ``FORMS``.

    Args:
        kernel: ``[*kernel_size, filters, channels]``.
        strides: Stride of each axis.
        dilation_rate: Dilation of each axis.
        own: Whether the layer has this kernel as its weight, and so takes constraints on it.

    Example:
        >>> [fix.name for fix in fixes(np.ones([3, 1, 1]), (2,), (1,))]
        ['resize-convolution', 'equal phase sums', 'ICNR', 'bilinear-additive']
    """
    rank, undilated = len(strides), (1,) * len(strides)
    factor = str(strides[0]) if len(set(strides)) == 1 else str(strides)
    filled = filled_kernel(kernel, dilation_rate)
    icnr = f"kernel_initializer=td.initializers.ICNR({factor})"
    if own:
        icnr = f"{icnr[:-1]}, layout='transposed')"
        if any(size % stride for size, stride in zip(filled.shape, strides, strict=False)):
            icnr += f" and a kernel_size that is a multiple of {factor}"
    projections = [
        ("ICNR", icnr, equal_phases(filled, strides), undilated),
        (
            "resize-convolution",
            f"td.layers.ResizeConv2D(..., factor={factor})" if rank == 2 else "resize, then convolve",
            resize_convolution(filled, strides),
            undilated,
        ),
        (
            "bilinear-additive",
            f"td.layers.BilinearAdditiveUpsampling2D({factor}), then a convolution"
            if rank == 2
            else "linear interpolation, then a convolution",
            bilinear_convolution(filled, strides),
            undilated,
        ),
    ]
    if own and phase_counts(kernel.shape[:rank], strides, dilation_rate).all():  # else outputs without taps
        constraint = EqualPhaseSums(strides, dilation_rate)
        dilated = "" if max(dilation_rate) == 1 else f", {dilation_rate}"
        advice = f"kernel_constraint=td.constraints.EqualPhaseSums({factor}{dilated})"
        projections.append(("equal phase sums", advice, np.asarray(constraint(kernel)), dilation_rate))
    found = [
        Fix(name, advice, closest, rates, _change(filled, filled_kernel(closest, rates)))
        for name, advice, closest, rates in projections
    ]
    return tuple(_closest_first(found))


def _closest_first(found: list[Fix]) -> list[Fix]:
    left = sorted(found, key=lambda fix: FORMS.index(fix.name))
    ranked: list[Fix] = []
    while left:
        nearest = min(fix.change for fix in left)
        tied = [fix for fix in left if fix.change <= nearest + TOLERANCE]
        left = [fix for fix in left if fix.change > nearest + TOLERANCE]
        ranked += tied
    return ranked


def filled_kernel(kernel: np.ndarray, dilation_rate: tuple[int, ...]) -> np.ndarray:
    """Return the undilated kernel with the same effect, as float64.

    Example:
        >>> filled_kernel(np.ones([2, 1, 1]), (3,)).ravel()
        array([1., 0., 0., 1.])
    """
    return np.asarray(fill_dilated(tf.constant(kernel, tf.float64), dilation_rate))


def equal_phases(kernel: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Return the closest kernel whose phases are identical: what ICNR starts from.

    The kernel grows to a multiple of the strides.

    Example:
        >>> equal_phases(np.array([1.0, 3.0, 5.0, 7.0])[:, None, None], (2,)).ravel()
        array([2., 2., 6., 6.])
    """
    for axis, stride in enumerate(strides):
        padded = _grow(kernel, axis, math.ceil(kernel.shape[axis] / stride) * stride)
        shape = [*padded.shape[:axis], -1, stride, *padded.shape[axis + 1 :]]
        mean = padded.reshape(shape).mean(axis=axis + 1)
        kernel = np.repeat(mean, stride, axis=axis)
    return kernel


def resize_convolution(kernel: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Return the closest kernel that a nearest resize followed by a convolution is equal to.

    Example:
        >>> resize_convolution(np.array([1.0, 3.0, 2.0])[:, None, None], (2,)).ravel().round(6)
        array([1., 3., 2.])
    """
    return _followed_by_convolution(kernel, [np.ones(stride) for stride in strides])


def bilinear_convolution(kernel: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Return the closest kernel that linear upsampling followed by a convolution is equal to.

    Example:
        >>> bilinear_convolution(np.array([1.0, 3.0, 3.0, 1.0])[:, None, None], (2,)).ravel().round(6)
        array([1., 3., 3., 1.])
    """
    bases = [np.array(geometry.linear_kernel(geometry.linear_kernel_size(stride))) for stride in strides]
    return _followed_by_convolution(kernel, bases)


def _followed_by_convolution(kernel: np.ndarray, bases: list[np.ndarray]) -> np.ndarray:
    """The closest kernel of the form ``base * c`` with any ``c``, along each axis."""
    for axis, base in enumerate(bases):
        kernel = _grow(kernel, axis, max(kernel.shape[axis], len(base)))
        span = operator_matrix(base, kernel.shape[axis] - len(base) + 1)
        projection = span @ np.linalg.pinv(span)
        kernel = np.moveaxis(np.tensordot(projection, kernel, axes=(1, axis)), 0, axis)
    return kernel


def _grow(kernel: np.ndarray, axis: int, size: int) -> np.ndarray:
    return np.pad(kernel, [(0, size - n if at == axis else 0) for at, n in enumerate(kernel.shape)])


def _change(old: np.ndarray, new: np.ndarray) -> float:
    """The relative distance of two undilated kernels, the smaller one grown by zeros."""
    for axis, size in enumerate(new.shape):
        old = _grow(old, axis, max(size, old.shape[axis]))
    norm = np.linalg.norm(old)
    return float(np.linalg.norm(new - old) / norm) if norm else 0.0
