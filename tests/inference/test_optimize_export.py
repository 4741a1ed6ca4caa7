"""Exports of optimized models."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest

import tfdeconv as td

USE = """
import sys, numpy as np, tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
x = np.load(sys.argv[2])
for n in (1, 3):
    (y,) = served(tf.constant(x[:n])).values()
    print(y.shape[0], float(tf.reduce_sum(tf.abs(y - np.load(sys.argv[3])[:n]))))
"""


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_an_exported_optimized_model_runs_anywhere(tmp_path, onednn):
    """Without tfdeconv, with oneDNN off, for any batch and size, the outputs are the original's."""
    image = keras.Input((None, None, 8), name="image")
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(6, 3, padding="same")(image))
    x = keras.layers.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")(x)
    x = td.layers.ResizeConv2D(6, 3, factor=2)(x)
    model = keras.Model(image, keras.layers.Conv2DTranspose(1, 9, 2, "same")(x))
    path = td.export_saved_model(
        model, tmp_path / "model", optimize={"input_shape": (8, 8, 8), "budget_s": 0.02}
    )
    x = np.random.default_rng(0).standard_normal([3, 5, 6, 8]).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", model(x))
    arguments = [str(path), str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
    done = subprocess.run(
        [sys.executable, "-c", USE, *arguments],
        env={"TF_ENABLE_ONEDNN_OPTS": onednn, "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    )
    for line, batch in zip(done.stdout.splitlines(), (1, 3), strict=True):
        got, difference = line.split()
        assert int(got) == batch
        assert float(difference) < 1e-2 * batch
