"""Keras must run on TensorFlow, which everything here computes with."""

from __future__ import annotations

import keras

from tfdeconv.errors import TfdeconvError


def check_backend() -> None:
    """Raise TfdeconvError where Keras runs on another library, whose training would not see our gradients.

    Example:
        >>> check_backend()
    """
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise TfdeconvError(
            f"tfdeconv computes with TensorFlow, and Keras runs on {backend!r} here. Set "
            'KERAS_BACKEND=tensorflow, or "backend": "tensorflow" in ~/.keras/keras.json, before Keras is '
            "imported."
        )
