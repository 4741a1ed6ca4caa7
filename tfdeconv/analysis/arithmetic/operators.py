"""Transposed convolutions, convolutions, down- and upsampling as explicit matrices."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

import numpy as np
import tensorflow as tf

from tfdeconv.analysis.arithmetic.configuration import Configuration, Ints, configuration
from tfdeconv.analysis.arithmetic.kernel_layout import kernel_rank, with_channels
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments

DENSE_LIMIT = 2**26
"""Entries up to which a dense matrix is made (512 MiB in float64)."""


@overload
def operator_matrix(
    kernel: Any,
    input_size: Ints,
    *,
    strides: Ints = ...,
    padding: Any = ...,
    output_padding: Ints | None = ...,
    output_shape: Ints | None = ...,
    dilation_rate: Ints = ...,
    groups: int = ...,
    sparse: Literal[False] = ...,
) -> np.ndarray: ...
@overload
def operator_matrix(
    kernel: Any,
    input_size: Ints,
    *,
    strides: Ints = ...,
    padding: Any = ...,
    output_padding: Ints | None = ...,
    output_shape: Ints | None = ...,
    dilation_rate: Ints = ...,
    groups: int = ...,
    sparse: Literal[True],
) -> tf.sparse.SparseTensor: ...
def operator_matrix(
    kernel: Any,
    input_size: Ints,
    *,
    strides: Ints = 1,
    padding: Any = "valid",
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    dilation_rate: Ints = 1,
    groups: int = 1,
    sparse: bool = False,
) -> np.ndarray | tf.sparse.SparseTensor:
    """Return the matrix ``T`` of a transposed convolution; ``T.T`` is the convolution it transposes.

    ``T @ x.ravel()`` is the raveled transposed convolution of one channels-last image ``x``, and
    ``T.T @ y.ravel()`` the forward convolution (its cross-correlation form, as in Keras) of ``y``
    with the same kernel, strides and padding.

    Args:
        kernel: Taps ``[*kernel_size]``, or ``[*kernel_size, filters // groups, channels]``.
        input_size: Samples along each axis; an int is used for every axis. With an int, a kernel of
            rank 3 is read as 1-D with filters and channels.
        strides: Upsampling factor; an int or one for each axis.
        padding: As in :func:`tfdeconv.ops.conv_transpose`.
        output_padding: As there.
        output_shape: As there; ints.
        dilation_rate: As there.
        groups: As there.
        sparse: Return a ``tf.sparse.SparseTensor`` with one entry for each product, instead of a
            dense array; for images of more than a few hundred samples.

    Returns:
        float64 matrix ``[outputs * filters, inputs * channels]``.

    Raises:
        InvalidArgumentError: An argument breaks a rule, or a dense matrix would be too large.

    Example:
        >>> operator_matrix([1, 2, 3], 2, strides=2, padding="same")
        array([[1., 0.],
               [2., 0.],
               [3., 1.],
               [0., 2.]])
        >>> operator_matrix(np.ones([3, 3]), (32, 32), strides=2, sparse=True).shape
        TensorShape([4225, 1024])

    References:
        Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", section 4.1.
    """
    weights = np.asarray(kernel, dtype=np.float64)
    rank = kernel_rank(weights, input_size, strides)
    weights = with_channels(weights, rank)
    groups = axis_arguments.at_least(1, "groups", groups)
    if weights.shape[-1] % groups:
        raise InvalidArgumentError(
            f"groups must divide the {weights.shape[-1]} channels of the kernel; received {groups}."
        )
    config = configuration(
        axis_arguments.per_axis("input_size", input_size, rank),
        weights.shape[:rank],
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        output_shape=output_shape,
        dilation_rate=dilation_rate,
    )
    if sparse:
        return _sparse(_ungrouped(weights, groups), config)
    _check_dense(
        math.prod(config.output_size) * weights.shape[-2] * groups,
        math.prod(config.input_size) * weights.shape[-1],
    )
    return _dense(_ungrouped(weights, groups), config)


def upsample_matrix(factor: int, input_size: int) -> np.ndarray:
    """Return the matrix that puts ``factor - 1`` zeros behind every sample.

    It is the transpose of :func:`downsample_matrix` and, for any kernel ``q``,
    ``operator_matrix(q, ..., strides=factor)`` is a stride-1 operator times it.

    Args:
        factor: Distance of the samples in the output, at least 1.
        input_size: Samples of the input.

    Returns:
        float64 matrix ``[input_size * factor, input_size]``.

    Raises:
        InvalidArgumentError: A number is below 1.

    Example:
        >>> upsample_matrix(2, 2)
        array([[1., 0.],
               [0., 0.],
               [0., 1.],
               [0., 0.]])
    """
    factor = axis_arguments.at_least(1, "factor", factor)
    return operator_matrix(np.ones(1), input_size, strides=factor)


def downsample_matrix(factor: int, input_size: int) -> np.ndarray:
    """Return the matrix that keeps samples 0, ``factor``, ``2 * factor``, ...

    Args:
        factor: Distance of the samples that are kept, at least 1.
        input_size: Samples of the input.

    Returns:
        float64 matrix ``[ceil(input_size / factor), input_size]``.

    Raises:
        InvalidArgumentError: A number is below 1.

    Example:
        >>> downsample_matrix(2, 4)
        array([[1., 0., 0., 0.],
               [0., 0., 1., 0.]])
    """
    input_size = axis_arguments.at_least(1, "input_size", input_size)
    kept = -(-input_size // axis_arguments.at_least(1, "factor", factor))
    return operator_matrix(
        np.ones(1), kept, strides=factor, padding=[(0, 1 + (kept - 1) * factor - input_size)]
    ).T


def _ungrouped(weights: np.ndarray, groups: int) -> np.ndarray:
    """The kernel of one group with the same effect: zeros between the groups."""
    *kernel_size, outputs, channels = weights.shape
    per_group = channels // groups
    full = np.zeros((*kernel_size, outputs * groups, channels))
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        columns = slice(group * per_group, (group + 1) * per_group)
        full[..., rows, columns] = weights[..., columns]
    return full


def _dense(weights: np.ndarray, config: Configuration) -> np.ndarray:
    """The sum over taps of (output, input) selectors along each axis, weighted by the kernel."""
    q, p, a = (letters[: config.rank] for letters in ("ABC", "DEF", "GHI"))
    terms = ",".join(map("".join, zip(q, p, a, strict=True)))
    matrix = np.einsum(
        f"{terms},{a}fc->{q}f{p}c", *(axis.selector() for axis in config.axes), weights, optimize=True
    )
    return matrix.reshape(math.prod(config.output_size) * weights.shape[-2], -1)


def _sparse(weights: np.ndarray, config: Configuration) -> tf.sparse.SparseTensor:
    products = [axis.products() for axis in config.axes]
    chosen = np.meshgrid(*(np.arange(len(rows)) for rows in products), indexing="ij")
    used = [rows[index.ravel()] for rows, index in zip(products, chosen, strict=True)]
    outputs, inputs, taps = ([rows[:, column] for rows in used] for column in range(3))
    filters, channels = weights.shape[-2:]
    row = np.ravel_multi_index(outputs, config.output_size)[:, None, None] * filters
    column = np.ravel_multi_index(inputs, config.input_size)[:, None, None] * channels
    row, column, values = np.broadcast_arrays(
        row + np.arange(filters)[:, None], column + np.arange(channels), weights[tuple(taps)]
    )
    shape = (math.prod(config.output_size) * filters, math.prod(config.input_size) * channels)
    return tf.sparse.reorder(
        tf.sparse.SparseTensor(np.stack([row.ravel(), column.ravel()], axis=1), values.ravel(), shape)
    )


def _check_dense(rows: int, columns: int) -> None:
    if rows * columns > DENSE_LIMIT:
        raise InvalidArgumentError(
            f"input_size makes a dense matrix of {rows} x {columns} entries; at most {DENSE_LIMIT} are "
            "made. Use sparse=True or a smaller input_size."
        )
