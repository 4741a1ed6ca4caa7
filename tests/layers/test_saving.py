"""Every public layer survives get_config, .keras files, SavedModel export and weights by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES, Case
from conformance.modes import call, unknown_sizes

import tfdeconv as td
from tfdeconv.keras_registration import PACKAGE, SERIALIZABLE

ONE_OF_EACH = {case.layer: case for case in reversed(CASES)}


def model_of(case: Case, *, unknown: bool = False, name: str = "under_test") -> Any:
    """A functional model around one layer with random weights."""
    layer = getattr(td.layers, case.layer)(**case.config, name=name)
    shapes = [
        (*shape[:1], shape[-1], *shape[1:-1]) if case.channels_first else shape for shape in case.inputs
    ]
    inputs = []
    for n, shape in enumerate(shapes):
        sizes = unknown_sizes(layer, tf.zeros(shape))[1:] if unknown else shape[1:]
        inputs.append(keras.Input(sizes, dtype="int64" if n in case.integers else "float32"))
    model = keras.Model(inputs, call(layer, inputs))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.weights])
    return model


def data_of(case: Case) -> list[Any]:
    rng = np.random.default_rng(3)
    arrays = case.make_inputs(rng)
    return [
        (np.moveaxis(x, -1, 1) if case.channels_first else x).astype(
            "int64" if n in case.integers else "float32"
        )
        for n, x in enumerate(arrays)
    ]


def outputs_of(model: Any, case: Case) -> list[Any]:
    outputs = model(data_of(case))
    return [np.asarray(y) for y in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def assert_equal(got: list[Any], expected: list[Any]) -> None:
    for y, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose(y, wanted, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.layer}, {case.name}")
def test_config_round_trip(case: Case) -> None:
    """get_config holds every constructor argument, survives JSON, and makes the same layer again."""
    layer = getattr(td.layers, case.layer)(**case.config, name="same_name", dtype="mixed_bfloat16")
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert json.loads(json.dumps(again.get_config())) == json.loads(json.dumps(config))
    assert again.dtype_policy.name == "mixed_bfloat16"
    for argument, value in case.config.items():
        assert argument in config
        if isinstance(value, bool | str):
            assert config[argument] == value


def test_an_offset_of_numpy_survives_json() -> None:
    """Offsets worked out with NumPy are kept as ints."""
    for offset in (np.int64(1), np.array([1, 2])):
        config = td.layers.CropLike(offset).get_config()
        assert json.loads(json.dumps(config["offset"])) == offset.tolist()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_keras_file(name: str, tmp_path: Path) -> None:
    """A .keras file gives the same numbers; unknown batch and sizes stay unknown."""
    case = ONE_OF_EACH[name]
    model = model_of(case, unknown=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.input_shape == model.input_shape
    assert loaded.output_shape == model.output_shape
    assert_equal(outputs_of(loaded, case), outputs_of(model, case))


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_export(name: str, tmp_path: Path) -> None:
    """model.export writes a SavedModel that serves the same numbers for any batch."""
    case = ONE_OF_EACH[name]
    model = model_of(case)
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    inputs = [tf.constant(x) for x in data_of(case)]
    outputs = served.serve(inputs)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    assert_equal([y.numpy() for y in outputs], outputs_of(model, case))


@pytest.mark.parametrize("name", [name for name, case in ONE_OF_EACH.items() if model_of(case).weights])
def test_weights_by_name(name: str, tmp_path: Path) -> None:
    """Weights are found again under the layer's and their own names, whatever else the model holds."""
    case = ONE_OF_EACH[name]
    model, other = model_of(case), model_of(case)
    assert [weight.name for weight in model.get_layer("under_test").weights][:1] == ["kernel"]
    model.get_layer("under_test").set_weights([w + 1 for w in model.get_weights()])
    model.save_weights(tmp_path / "all.weights.h5")
    other.load_weights(tmp_path / "all.weights.h5")
    assert_equal(outputs_of(other, case), outputs_of(model, case))
    paths = {weight.path: weight for weight in model.weights}
    assert set(paths) == {weight.path for weight in other.weights}
    assert all(path.startswith("under_test/") for path in paths)


def test_every_serializable_class_is_registered() -> None:
    """A class that is not in the table would not be found after a bare ``import tfdeconv``."""
    for module in ("layers", "initializers", "constraints"):
        found = {
            name
            for name in dir(getattr(td, module))
            if keras.saving.get_registered_object(f"{PACKAGE}>{name}") is not None
            and isinstance(getattr(getattr(td, module), name), type)
        }
        assert found == set(SERIALIZABLE[f"tfdeconv.{module}"])
    assert set(SERIALIZABLE["tfdeconv.layers"]) == set(td.layers.__all__)
    for module, names in SERIALIZABLE.items():
        for name in names:
            assert keras.saving.get_registered_object(f"{PACKAGE}>{name}") is not None, (module, name)


LOAD = """
import sys, warnings
import tfdeconv
assert "tfdeconv.layers" not in sys.modules and "keras" not in sys.modules
import keras
for path in sys.argv[1:]:
    model = keras.saving.load_model(path)
    print(type(model.get_layer("under_test")).__name__)
"""


def test_every_layer_loads_after_a_bare_import(tmp_path: Path) -> None:
    """``import tfdeconv`` alone lets keras.saving.load_model find every layer, initializer and constraint."""
    paths = []
    for name, case in ONE_OF_EACH.items():
        model_of(case).save(tmp_path / f"{name}.keras")
        paths.append(str(tmp_path / f"{name}.keras"))
    x = keras.Input([4, 4, 8])
    layer = td.layers.Conv2DTranspose(
        8,
        4,
        strides=2,
        name="under_test",
        kernel_initializer=td.initializers.ICNR(2, td.initializers.Bilinear(), layout="transposed"),
        kernel_constraint=td.constraints.EqualPhaseSums(2),
    )
    keras.Model(x, layer(x)).save(tmp_path / "parts.keras")
    paths.append(str(tmp_path / "parts.keras"))
    result = subprocess.run([sys.executable, "-c", LOAD, *paths], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.split() == [*ONE_OF_EACH, "Conv2DTranspose"]


def test_the_bare_import_test_can_fail(tmp_path: Path) -> None:
    """Without ``import tfdeconv`` the same file is not readable."""
    model_of(ONE_OF_EACH["PixelShuffle2D"]).save(tmp_path / "model.keras")
    code = LOAD.replace("import tfdeconv\nassert", "assert")
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.keras")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "Could not locate class 'PixelShuffle2D'" in result.stderr


def test_models_with_skip_sizes(tmp_path: Path) -> None:
    """Tensors and sizes given at the call (``like=``, ``output_shape=``) are part of the saved graph."""
    x = keras.Input((None, None, 2))
    pooled, switches = td.layers.MaxPooling2DWithSwitches(2)(x)
    up = td.layers.Conv2DTranspose(3, 3, strides=2, padding=0)(pooled, like=x)
    back = td.layers.MaxUnpooling2D(2)([pooled, switches], like=x)
    fixed = td.layers.Conv2DTranspose(1, 3, strides=2, padding="same")(back, output_shape=(9, 13))
    model = keras.Model(x, [up, back, fixed])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    data = np.random.default_rng(0).normal(size=(2, 5, 7, 2)).astype("float32")
    assert_equal([y.numpy() for y in loaded(data)], [y.numpy() for y in model(data)])
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    assert_equal([y.numpy() for y in served.serve(tf.constant(data))], [y.numpy() for y in model(data)])
