"""What every upsampling op accepts as its input."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError


def as_samples(x: Any, *, rank: int | None = None, floating: bool = True) -> tf.Tensor:
    """Return ``x`` as a tensor of batch, ``rank`` spatial axes (None: 1, 2 or 3) and channels.

    Raises:
        InvalidArgumentError: The rank or the dtype is wrong.

    Example:
        >>> as_samples([[[1.0]]], rank=1).shape
        TensorShape([1, 1, 1])
    """
    x = as_tensor("x", x)
    check_samples(x, rank=rank, floating=floating)
    return x


def check_samples(x: Any, *, rank: int | None = None, floating: bool = True) -> None:
    """Raise what :func:`as_samples` raises for a tensor, which may be one of Keras's symbolic ones.

    Example:
        >>> check_samples(tf.zeros([1, 4, 1]), rank=1)
    """
    shape, dtype = tf.TensorShape(x.shape), tf.as_dtype(x.dtype)
    ranks = (1, 2, 3) if rank is None else (rank,)
    if shape.rank is None or shape.rank - 2 not in ranks:
        raise InvalidArgumentError(
            f"x must have a batch axis, {'1, 2 or 3' if rank is None else rank} spatial axes and a channel "
            f"axis; received shape {shape}."
        )
    if floating and not dtype.is_floating:
        raise InvalidArgumentError(
            f"x must be a floating-point tensor; received {dtype.name}. Use tf.cast(x, tf.float32)."
        )


def as_tensor(name: str, value: Any, dtype: tf.DType | None = None) -> tf.Tensor:
    """Return the argument called ``name`` as a tensor.

    Raises:
        InvalidArgumentError: It is nothing that TensorFlow makes a tensor of.

    Example:
        >>> as_tensor("bias", [0.0, 1.0]).shape
        TensorShape([2])
    """
    try:
        return tf.convert_to_tensor(value, dtype)
    except (TypeError, ValueError):
        if isinstance(value, keras.KerasTensor):
            raise  # Keras tells how symbolic tensors are used
        of_dtype = "" if dtype is None else f" of {dtype.name}"
        raise InvalidArgumentError(
            f"{name} must be a tensor, an array or nested lists of equal lengths{of_dtype}; received "
            f"{type(value).__name__}."
        ) from None
