"""Kernel layouts, and layers that are made with their weights.

PyTorch, ONNX and Caffe keep the kernel of a convolution as ``[filters, channels // groups, *kernel_size]``
and that of a transposed convolution as ``[channels, filters // groups, *kernel_size]``; Keras and
tfdeconv reverse the first two axes and put them last. So one rule serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv.errors import ConversionError


def as_array(value: Any) -> npt.NDArray[Any]:
    """Return a NumPy array of an array or of a PyTorch tensor (on any device).

    Example:
        >>> as_array([1, 2]).tolist()
        [1, 2]
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has no such type; every value fits a float32
            value = value.float()
    return np.asarray(value)


def kernel_from_torch(weight: Any) -> npt.NDArray[Any]:
    """Return the Keras kernel of a PyTorch, ONNX or Caffe weight, plain or transposed convolution.

    Args:
        weight: ``[a, b, *kernel_size]``: an array or a PyTorch tensor.

    Returns:
        ``[*kernel_size, b, a]``.

    Raises:
        ConversionError: ``weight`` has not 3 to 5 axes.

    Example:
        >>> kernel_from_torch(np.zeros([8, 3, 5, 4])).shape
        (5, 4, 3, 8)
    """
    array = as_array(weight)
    if array.ndim not in (3, 4, 5):
        raise ConversionError(
            "weight must have two channel axes and 1 to 3 spatial axes after them; received shape "
            f"{array.shape}."
        )
    return array.transpose([*range(2, array.ndim), 1, 0])


def kernel_to_torch(kernel: Any) -> npt.NDArray[Any]:
    """Return the PyTorch weight of a Keras kernel: the inverse of :func:`kernel_from_torch`.

    Example:
        >>> kernel_to_torch(np.zeros([5, 4, 3, 8])).shape
        (8, 3, 5, 4)
    """
    array = np.asarray(kernel)
    return np.ascontiguousarray(array.transpose([array.ndim - 1, array.ndim - 2, *range(array.ndim - 2)]))


def switches_from_torch(indices: Any) -> npt.NDArray[np.int64]:
    """Return the switches of ``layers.MaxUnpooling2D`` for the indices of ``torch.nn.MaxPool2d``.

    Args:
        indices: ``[batch, channels, height, width]``, positions in the plane of each channel.

    Returns:
        ``[batch, height, width, channels]``, positions in the whole channels-last example.

    Example:
        >>> switches_from_torch([[[[3]], [[0]]]]).ravel().tolist()
        [6, 1]
    """
    planes = np.moveaxis(as_array(indices).astype(np.int64), 1, -1)
    channels = planes.shape[-1]
    return planes * channels + np.arange(channels)


def with_weights(
    layer: keras.layers.Layer, channels: int, weights: Sequence[npt.NDArray[Any] | None]
) -> keras.layers.Layer:
    """Build ``layer`` for ``channels`` input channels, give it ``weights`` (None: absent), return it.

    The first weight is the kernel.

    Example:
        >>> layer = with_weights(keras.layers.Conv1D(1, 1), 2, [np.ones([1, 2, 1]), np.zeros([1])])
        >>> float(layer(np.ones([1, 1, 2]))[0, 0, 0])
        2.0
    """
    arrays = [array for array in weights if array is not None]
    spatial: tuple[None, ...] = (None,) * (arrays[0].ndim - 2)
    channels_first = layer.data_format == "channels_first"
    layer.build((None, channels, *spatial) if channels_first else (None, *spatial, channels))
    layer.set_weights(arrays)
    return layer
