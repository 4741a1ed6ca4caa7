"""Arrays on their way into a model, checked in the words of the C++ session, and out of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.models import image_size
from tfdeconv.wire import dtypes

Array = np.ndarray[Any, Any]


def check_dtype(index: int, value: Array, wanted: int | None, max_image_pixels: int | None) -> None:
    """Refuse a value of another dtype, and strings that declare too large an image.

    Args:
        index: The value's place among the request's.
        value: The value.
        wanted: ``tensorflow.DataType`` enum value, or None where any goes.
        max_image_pixels: Most pixels of an encoded image, or None for no limit.

    Raises:
        InvalidRequestError: The dtype differs, or an image is too large.

    Example:
        >>> check_dtype(0, np.float32([1]), dtypes.INT64, None)
        Traceback (most recent call last):
        tfdeconv.errors.InvalidRequestError: Expects arg[0] to be int64 but float is provided
    """
    sent = dtypes.enum_of(value.dtype)
    if wanted is not None and wanted != sent:
        raise InvalidRequestError(
            f"Expects arg[{index}] to be {dtypes.cpp_name(wanted)} but {dtypes.cpp_name(sent)} is provided"
        )
    if sent == dtypes.STRING and max_image_pixels is not None:
        image_size.check(value, max_image_pixels)


def check_rank(name: str, value: Array, shape: tuple[int, ...]) -> None:
    """Refuse a value of another rank; a list of scalars passes for a scalar.

    Args:
        name: The tensor's name.
        value: The value.
        shape: Wanted sizes, -1 where any fits.

    Raises:
        InvalidRequestError: The ranks differ.
    """
    if len(shape) != value.ndim and not (not shape and value.ndim == 1):
        raise InvalidRequestError(
            f"Tensor {name} must have rank {len(shape)} (shape {sizes(shape)}) but a tensor of rank "
            f"{value.ndim} (shape {sizes(value.shape)}) is provided"
        )


def sizes(shape: tuple[int, ...]) -> str:
    """Return a shape as errors print it.

    Example:
        >>> sizes((-1, 2))
        '[?,2]'
    """
    return f"[{','.join('?' if size < 0 else str(size) for size in shape)}]"


def as_array(value: Any) -> Array:
    r"""Return a fetched value as an array: scalars come as Python bytes or NumPy scalars.

    Example:
        >>> as_array(b"ends in zero\0")
        array(b'ends in zero\x00', dtype=object)
    """
    # An `S` array would lose trailing zero bytes.
    return np.array(value, object) if isinstance(value, bytes | str) else np.asarray(value)
