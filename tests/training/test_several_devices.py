"""Layers, optimizer and loop under tf.distribute.MirroredStrategy: the same losses as on one device."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import contextlib, json, sys
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.training import loop
from tfdeconv.training.patches import PatchSet
from tfdeconv.training.recipe import Recipe, ScaleRecipe, Stage

def tiny(scale, *, data_format):
    hidden = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
    last = td.layers.Conv2DTranspose(1, 4, strides=scale, padding="same")
    return keras.Sequential([keras.Input((None, None, 1)), hidden, last])

def layers():
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 2))
    x = td.layers.Conv2DTranspose(4, 3, strides=2, padding="same", groups=2)(image)
    x = td.layers.DepthwiseConv2DTranspose(4, strides=2, padding="same")(x)
    pooled, switches = td.layers.MaxPooling2DWithSwitches(2)(x)
    x = td.layers.MaxUnpooling2D(2)([pooled, switches])
    x = td.layers.ResizeConv2D(2, 3, factor=2)(td.layers.BilinearUpsampling2D(2, trainable=True)(x))
    x = td.layers.SubpixelConv2D(1, 3, factor=2)(x)
    model = keras.Model(image, x)
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model

rng = np.random.default_rng(0)
pictures = rng.random((16, 8, 8, 2), "float32")
targets = rng.random((16, *layers().output_shape[1:]), "float32")
low, high = rng.random((12, 8)).astype(np.float16), rng.random((24, 16)).astype(np.float16)
places = np.array([(0, top, 0) for top in range(4)], np.int32)
patches = PatchSet(
    ((low[np.newaxis], high),), places, size=8, scale=2,
    holdout=((low[:8].astype(np.float32), high[:16].astype(np.float32)),),
)
stages = (
    Stage(steps=30, learning_rate=1e-2, batch=4),
    Stage(steps=6, learning_rate=1e-3, batch=2, loss="l2"),
)
loop.LUMA_NETWORKS = {"tiny": tiny}
found = {}
for name, scope in {
    "one": contextlib.nullcontext, "two": tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope
}.items():
    with scope():
        model = layers()
        fitted = model.fit(pictures, targets, batch_size=8, epochs=3, shuffle=False, verbose=0)
        recipe = Recipe("tiny", {2: ScaleRecipe(stages)}, validate_every=3)
        trainer = loop.Trainer(recipe, 2, patches, loop.Path(sys.argv[1]) / name)
        losses = []
        keep = trainer._validate_and_save
        trainer._validate_and_save = lambda loss, rate: losses.append(loss) or keep(loss, rate)
        outcome = trainer.run(progress=False)
        found[name] = {
            "fit": fitted.history["loss"], "train": losses, "psnr": outcome.psnr, "step": outcome.step,
            "replicas": len(getattr(trainer.model.weights[0].value, "values", [None])),
            "weights": [weight.numpy().ravel().tolist() for weight in trainer.average.weights],
        }
        if name == "two":
            plan = {2: ScaleRecipe((Stage(steps=1, learning_rate=1e-3, batch=3),))}
            try:
                loop.Trainer(Recipe("tiny", plan), 2, patches, loop.Path(sys.argv[1]) / "odd")
            except InvalidArgumentError as error:
                found["odd"] = str(error)
print(json.dumps(found))
"""


pytestmark = pytest.mark.timeout(700)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Both runs, in a process of their own: TensorFlow takes its devices once."""
    folder = tmp_path_factory.mktemp("devices")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_layers_learn_the_same(found):
    """``fit`` gives the losses of one device within float error, and learns."""
    np.testing.assert_allclose(found["two"]["fit"], found["one"]["fit"], rtol=1e-5)
    assert found["one"]["fit"][-1] < 0.9 * found["one"]["fit"][0]


def test_the_training_loop_does_the_same(found):
    """With SOAP, averaged weights and validation; through several turns of the optimizer's bases."""
    one, two = found["one"], found["two"]
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert one["step"] == two["step"] == 36
    assert len(one["train"]) == 12
    np.testing.assert_allclose(two["train"], one["train"], rtol=1e-4)
    np.testing.assert_allclose(two["psnr"], one["psnr"], rtol=1e-4)
    for first, second in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(second, first, atol=1e-4)


def test_a_batch_that_cannot_be_cut_is_refused(found):
    """Parts of different size would weigh pictures differently."""
    assert found["odd"] == "batch must be a multiple of the 2 devices, for each to get as much; received 3."
