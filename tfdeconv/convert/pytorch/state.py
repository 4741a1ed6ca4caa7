"""Weights of layers as the ``state_dict`` of the PyTorch modules they correspond to."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv.convert.kernels import kernel_to_torch
from tfdeconv.errors import ConversionError
from tfdeconv.extras import require
from tfdeconv.keras_reading import is_convolution, transposed_convolution


def to_torch_state(layer: keras.layers.Layer, *, arrays: bool = False) -> dict[str, Any]:
    """Return the ``state_dict`` for the PyTorch module with the weights of ``layer``.

    Args:
        layer: A ConvND, ConvNDTranspose, Dense, BatchNormalization, GroupNormalization,
            LayerNormalization or PReLU of Keras or tfdeconv; or a model of these and layers without
            weights. Strides and paddings are no part of a state.
        arrays: Return NumPy arrays; PyTorch is not needed then.

    Returns:
        For one layer the keys "weight", "bias", "running_mean", ...; for a model these after the
        layer's name and a dot, so that what :func:`from_torch` made of a Sequential goes back into it
        with ``load_state_dict``.

    Raises:
        ConversionError: A layer with weights has no PyTorch module of the same weights.
        MissingExtraError: PyTorch is not installed and ``arrays`` is False.

    Example:
        >>> layer = keras.layers.Conv2DTranspose(3, 4, strides=2, use_bias=False)
        >>> layer.build([None, 5, 5, 8])
        >>> {name: array.shape for name, array in to_torch_state(layer, arrays=True).items()}
        {'weight': (8, 3, 4, 4)}
    """
    if isinstance(layer, keras.Model):
        state = {
            f"{inner.name}.{key}": array for inner in layer.layers for key, array in _state(inner).items()
        }
    else:
        state = _state(layer)
    if arrays:
        return state
    torch = require("torch", extra="convert", feature="A state of PyTorch tensors")
    return {key: torch.from_numpy(array) for key, array in state.items()}


def _state(layer: keras.layers.Layer) -> dict[str, npt.NDArray[Any]]:
    if isinstance(layer, keras.Model):
        raise ConversionError(f"Model {layer.name!r} lies inside a model; convert its layers on their own.")
    if not layer.weights:
        return {}
    if is_convolution(layer) or transposed_convolution(layer) is not None:
        state = {"weight": kernel_to_torch(_numpy(layer.kernel))}
        return state if layer.bias is None else {**state, "bias": _numpy(layer.bias)}
    if isinstance(layer, keras.layers.Dense):
        state = {"weight": np.ascontiguousarray(_numpy(layer.kernel).T)}
        return state if layer.bias is None else {**state, "bias": _numpy(layer.bias)}
    if isinstance(layer, keras.layers.PReLU) and max(layer.alpha.shape) == math.prod(layer.alpha.shape):
        return {"weight": _numpy(layer.alpha).ravel()}
    if isinstance(layer, keras.layers.GroupNormalization | keras.layers.LayerNormalization):
        return _scale_and_offset(layer)
    if isinstance(layer, keras.layers.BatchNormalization):
        return {
            **_scale_and_offset(layer),
            "running_mean": _numpy(layer.moving_mean),
            "running_var": _numpy(layer.moving_variance),
            "num_batches_tracked": np.array(0, np.int64),
        }
    raise ConversionError(
        f"Layer {layer.name!r} ({type(layer).__name__}) has weights and no PyTorch module that holds the "
        "same. Converted are Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, "
        "Dense, PReLU with one slope for each channel, BatchNormalization, GroupNormalization and "
        "LayerNormalization."
    )


def _scale_and_offset(layer: keras.layers.Layer) -> dict[str, npt.NDArray[Any]]:
    named = (("weight", layer.gamma if layer.scale else None), ("bias", layer.beta if layer.center else None))
    return {name: _numpy(variable) for name, variable in named if variable is not None}


def _numpy(variable: Any) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = keras.ops.convert_to_numpy(variable)
    return array.copy()  # a state must not change when the layer is trained on
