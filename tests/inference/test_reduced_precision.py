"""td.optimize(..., precision="bfloat16"): what computes in it, how far that is off, and where it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from inference.models import BUDGET, randomized, rewrites
from PIL import Image

import tfdeconv as td
from tfdeconv.cli.commands.demo import PHOTO
from tfdeconv.errors import InvalidArgumentError, TfdeconvError
from tfdeconv.zoo.upscalers.luma_layer import Luma

pytestmark = pytest.mark.skipif(
    os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper().startswith(("SSE", "AVX2")),
    reason="ONEDNN_MAX_CPU_ISA hides the kernels for bfloat16 that TensorFlow counts on",
)
REDUCED = {"precision": "bfloat16", **BUDGET}


def reduced_layers(model):
    return [layer.name for layer in model.layers if layer.compute_dtype == "bfloat16"]


def sandwiched(*layers, shape):
    """``layers`` between two convolutions, so that none writes an output."""
    first = keras.layers.Dense(shape[-1], name="first")
    return randomized(keras.Sequential([keras.Input(shape), first, *layers, keras.layers.Dense(3)]))


def test_convolutions_and_what_follows_them_are_reduced():
    """Not a picture's, nor normalization that stays, sums, softmax, products, nor what writes an output."""
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, name="picture")(image)
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="folded")(x)
    x = keras.layers.ReLU(name="relu")(keras.layers.BatchNormalization(name="absorbed")(x))
    x = keras.layers.MaxPooling2D(name="pool")(x)
    x = keras.layers.BatchNormalization(name="stays")(x)
    skip = keras.layers.ReLU(name="of_float32")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="branch")(skip)
    x = keras.layers.Add(name="sum")([x, skip])
    x = keras.layers.Dense(8, name="product")(x)
    x = keras.layers.Conv2D(8, 3, activation="tanh", name="other_activation")(x)
    x = td.layers.Conv2DTranspose(8, 4, 2, name="up")(x)
    x = keras.layers.Conv2D(5, 1, name="scores")(x)
    auxiliary = keras.layers.Conv2D(5, 1, name="auxiliary")(skip)
    model = randomized(keras.Model(image, [keras.layers.Softmax(name="softmax")(x), auxiliary]))
    result = td.optimize(model, (16, 16, 3), **REDUCED)
    wanted = ["folded", "relu", "pool", "branch", "up"]
    assert sorted(reduced_layers(result.model)) == sorted(wanted)
    assert [name for name, what in rewrites(result).items() if what.endswith("bfloat16")] == wanted
    assert [output.dtype for output in result.model.outputs] == ["float32", "float32"]
    assert result.model.output_names == model.output_names


def test_operations_that_do_not_cast_keep_their_input_in_float32():
    """keras.ops compute in the type of what they read, and so may layers without automatic casts."""
    image = keras.Input((8, 8, 4))
    x = keras.ops.exp(keras.layers.Conv2D(4, 3, name="read_by_ops")(image))
    x = keras.layers.Conv2D(4, 3, name="inside")(x)
    x = keras.layers.Lambda(lambda x: x * x, autocast=False)(keras.layers.Conv2D(4, 1, name="read_as_is")(x))
    model = randomized(keras.Model(image, keras.layers.Dense(2)(x)))
    result = td.optimize(model, (8, 8, 4), **REDUCED)
    assert reduced_layers(result.model) == ["inside"]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: keras.layers.Conv1DTranspose(3, 4, 2, "same", activation="relu"), (9, 4)),
        (lambda: keras.layers.Conv2DTranspose(3, 5, 2, "same"), (6, 5, 4)),
        (lambda: keras.layers.Conv3DTranspose(2, 3, 2, "same", use_bias=False), (3, 4, 2, 4)),
        (lambda: td.layers.Conv2DTranspose(4, 3, 2, padding=1, groups=2, dilation_rate=2), (6, 5, 4)),
        (lambda: td.layers.DepthwiseConv2DTranspose(4, 2, "same", depth_multiplier=2), (6, 5, 4)),
        (lambda: td.layers.ResizeConv2D(3, 3, factor=2), (6, 5, 4)),
        (lambda: keras.layers.Conv1D(4, 3, groups=2), (9, 4)),
        (lambda: keras.layers.Conv3D(3, 2), (3, 4, 2, 4)),
        (lambda: keras.layers.DepthwiseConv2D(3, dilation_rate=2), (6, 5, 4)),
        (lambda: keras.layers.SeparableConv2D(3, 3), (6, 5, 4)),
    ],
)
def test_every_convolution_is_reduced_and_stays_within_its_rounding(layer, shape, tmp_path):
    """8 significant bits of each number: the outputs differ, by far less than they vary."""
    one = layer()
    model = sandwiched(one, shape=shape)
    result = td.optimize(model, shape, **REDUCED)
    assert reduced_layers(result.model) == [one.name]
    x = np.random.default_rng(1).standard_normal((2, *shape)).astype("float32")
    got, wanted = np.asarray(result.model(x)), np.asarray(model(x))
    assert got.dtype == np.float32
    assert 0 < np.abs(got - wanted).max() < 0.02 * np.abs(wanted).max()
    result.model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), got)


def test_the_report_has_the_difference_and_the_time_in_float32():
    """A second optimized model, without reduced layers, takes part in the timing."""
    model = sandwiched(keras.layers.Conv2D(4, 3), shape=(9, 9, 4))
    report = td.optimize(model, (9, 9, 4), **REDUCED).report
    assert report.precision == "bfloat16"
    assert 1e-4 < report.max_error / report.output_scale < 0.02
    assert f"bfloat16 is {report.float32_ms / report.after_ms:.2f} times as fast" in str(report)
    assert td.optimize(model, (9, 9, 4), **BUDGET).report.precision == "float32"


def test_float32_is_the_default_and_nothing_to_reduce_is_said():
    """Only what was asked for changes the outputs."""
    image = keras.Input((9, 9, 4))
    model = randomized(keras.Model(image, keras.layers.Conv2D(4, 3)(image)))
    result = td.optimize(model, (9, 9, 4), **REDUCED)
    assert result.report.max_error == 0
    assert str(result.report).endswith("No layer computes in bfloat16.")
    hidden = sandwiched(keras.layers.Conv2D(4, 3), shape=(9, 9, 4))
    assert reduced_layers(td.optimize(hidden, (9, 9, 4), **BUDGET).model) == []


def test_models_inside_are_reduced_but_for_what_they_return():
    """A model inside reads and returns float32."""
    inner = keras.Sequential(
        [
            keras.Input((None, None, 4)),
            keras.layers.Conv2D(4, 3, name="a"),
            keras.layers.Conv2D(4, 3, name="b"),
        ],
        name="inner",
    )
    result = td.optimize(sandwiched(inner, inner, shape=(12, 12, 4)), (12, 12, 4), **REDUCED)
    assert reduced_layers(result.model.get_layer("inner")) == ["a"]
    assert "inner/a" in rewrites(result)


def test_a_model_that_does_not_bear_it_is_refused():
    """A difference as large as the outputs is an error, not a report."""
    image = keras.Input((8, 8, 4))
    near = keras.layers.Conv2D(4, 1, use_bias=False, name="scaled")(image)
    model = keras.Model(image, keras.layers.Subtract()([near, image]))  # what is left is rounding
    model.get_layer("scaled").set_weights([1.001 * np.eye(4)[None, None]])
    with pytest.raises(TfdeconvError, match=r'does not bear it\. Use precision="float32"'):
        td.optimize(model, (8, 8, 4), **REDUCED)


def test_other_precisions_are_refused():
    """float16 is not offered."""
    with pytest.raises(InvalidArgumentError, match="'float32' or 'bfloat16'; received 'float16'"):
        td.optimize(sandwiched(shape=(4,)), (4,), precision="float16")


@pytest.mark.parametrize("quality", ["fast", "fine"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shipped_upscalers_lose_less_than_two_hundredths_of_a_decibel(quality, scale):
    """PSNR of luma, on the demo's photograph made small."""
    with Image.open(PHOTO) as image:
        photo = image.convert("RGB").resize((480, 480))
    small = photo.resize((480 // scale, 480 // scale), Image.Resampling.BICUBIC)
    luma = Luma()
    x, truth = (luma(np.asarray(one, "float32")[None] / 255) for one in (small, photo))
    model = td.zoo.load_upscaler(scale, quality=quality)
    reduced = td.optimize(model, (32, 32, 1), precision="bfloat16", budget_s=0).model
    inner = (slice(None), *[slice(scale, -scale)] * 2)
    errors = [np.square(np.asarray(one(x)) - truth)[inner].mean() for one in (model, reduced)]
    assert errors[0] != errors[1]
    assert 10 * np.log10(errors[1] / errors[0]) < 0.02


USE = """
import sys, numpy as np, tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(y,) = served(tf.constant(np.load(sys.argv[2]))).values()
np.save(sys.argv[3], y)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A version folder, an input and what the float32 model makes of it."""
    folder = tmp_path_factory.mktemp("bfloat16")
    model = td.zoo.load_upscaler(2)
    options = {"input_shape": (16, 16, 1), "precision": "bfloat16", "budget_s": 0}
    path = td.export_saved_model(model, folder / "model", optimize=options)
    x = np.random.default_rng(0).random((2, 20, 17, 1), "float32")
    np.save(folder / "x.npy", x)
    return path, folder / "x.npy", np.asarray(model(x))


def environment(**variables):
    return {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": os.environ["PATH"], **variables}


@pytest.mark.parametrize(
    "variables",
    [{"TF_ENABLE_ONEDNN_OPTS": "0"}, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}],
    ids=["Eigen", "AVX-512"],
)
def test_an_exported_model_runs_on_processors_without_bfloat16(exported, variables, tmp_path):
    """Without AVX-512 TensorFlow computes with Eigen; with AVX-512 alone oneDNN emulates."""
    path, x, wanted = exported
    arguments = [str(path), str(x), str(tmp_path / "y.npy")]
    subprocess.run(
        [sys.executable, "-c", USE, *arguments], env=environment(**variables), check=True, timeout=250
    )
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == np.float32
    assert 0 < np.abs(y - wanted).max() < 0.05


HIDDEN = """
import keras, tfdeconv as td
image = keras.Input((8, 8, 4))
x = keras.layers.Dense(2)(keras.layers.Conv2D(4, 3)(image))
try:
    td.optimize(keras.Model(image, x), (8, 8, 4), precision="bfloat16", budget_s=0)
except td.errors.TfdeconvError as error:
    print(error)
"""


def test_hidden_instructions_are_named():
    """ONEDNN_MAX_CPU_ISA hides AVX-512 from oneDNN but not from TensorFlow, which then has no kernel."""
    processor = Path("/proc/cpuinfo")
    if not processor.exists() or "avx512f" not in processor.read_text():
        pytest.skip("this processor has no AVX-512 to hide")
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN],
        env=environment(ONEDNN_MAX_CPU_ISA="AVX2", PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    )
    assert "ONEDNN_MAX_CPU_ISA hides its AVX-512" in done.stdout
