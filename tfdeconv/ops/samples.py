"""What every upsampling op accepts as its input."""

from __future__ import annotations

from typing import Any

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
    x = tf.convert_to_tensor(x)
    ranks = (1, 2, 3) if rank is None else (rank,)
    if x.shape.rank is None or x.shape.rank - 2 not in ranks:
        raise InvalidArgumentError(
            f"x must have a batch axis, {'1, 2 or 3' if rank is None else rank} spatial axes and a channel "
            f"axis; received shape {x.shape}."
        )
    if floating and not x.dtype.is_floating:
        raise InvalidArgumentError(
            f"x must be a floating-point tensor; received {x.dtype.name}. Use tf.cast(x, tf.float32)."
        )
    return x
