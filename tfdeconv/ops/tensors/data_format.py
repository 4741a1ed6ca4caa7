"""Keras's two layouts; inside, every op works on channels last."""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError


def standardize_data_format(data_format: str | None) -> Literal["channels_first", "channels_last"]:
    """Return ``data_format`` (None: ``keras.config.image_data_format()``) as Keras spells it.

    Raises:
        InvalidArgumentError: It is another name.

    Example:
        >>> standardize_data_format("Channels_Last")
        'channels_last'
    """
    if data_format is None:
        data_format = keras.config.image_data_format()
    elif isinstance(data_format, str):
        data_format = data_format.lower()
    if data_format not in ("channels_first", "channels_last"):
        raise InvalidArgumentError(
            f"data_format must be 'channels_first' or 'channels_last'; received {data_format!r}."
        )
    return "channels_first" if data_format == "channels_first" else "channels_last"


def is_channels_first(data_format: str | None) -> bool:
    """Return whether :func:`standardize_data_format` gives "channels_first".

    Example:
        >>> is_channels_first("channels_last")
        False
    """
    return standardize_data_format(data_format) == "channels_first"


def to_channels_last(x: tf.Tensor) -> tf.Tensor:
    """Move axis 1 to the end.

    Example:
        >>> to_channels_last(tf.zeros([1, 3, 4, 5])).shape
        TensorShape([1, 4, 5, 3])
    """
    return tf.transpose(x, [0, *range(2, x.shape.rank), 1])


def to_channels_first(x: tf.Tensor) -> tf.Tensor:
    """Move the last axis to axis 1.

    Example:
        >>> to_channels_first(tf.zeros([1, 4, 5, 3])).shape
        TensorShape([1, 3, 4, 5])
    """
    last = x.shape.rank - 1
    return tf.transpose(x, [0, last, *range(1, last)])
