"""Layers and shipped models convert to TensorFlow Lite with its built-in ops alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td

LAYERS = {
    **{
        lowering: lambda lowering=lowering: td.layers.Conv2DTranspose(3, 5, 2, "same", lowering=lowering)
        for lowering in ("auto", "gradient", "scatter", "subpixel", "two_pass", "zero_insertion")
    },
    "wide blocks": lambda: td.layers.Conv2DTranspose(1, 9, 2, "same", lowering="subpixel"),
    "explicit padding": lambda: td.layers.Conv2DTranspose(3, 4, 2, ((1, 0), (0, 2)), lowering="subpixel"),
    "resize": lambda: td.layers.ResizeConv2D(3, 3, 2, padding="same"),
    "pixel shuffle": lambda: td.layers.PixelShuffle2D(2),
}


def answer_of_tflite(model: keras.Model, x: np.ndarray) -> np.ndarray:
    interpreter = tf.lite.Interpreter(model_content=tf.lite.TFLiteConverter.from_keras_model(model).convert())
    (given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(wanted["index"])


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_converts(name: str) -> None:
    """A layer of unknown batch and sizes gives the same numbers in TensorFlow Lite."""
    model = keras.Sequential([keras.Input((None, None, 8)), LAYERS[name]()])
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 8)).astype("float32")
    np.testing.assert_allclose(answer_of_tflite(model, x), model(x), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_the_shipped_upscaler_converts() -> None:
    """The default upscaler by 2 gives the same picture in TensorFlow Lite."""
    model = td.zoo.load_upscaler(2)
    x = np.random.default_rng(0).uniform(size=(1, 12, 9, 1)).astype("float32")
    np.testing.assert_allclose(answer_of_tflite(model, x), model(x), atol=1e-5)
