"""``tfdeconv optimize``."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from tfdeconv.cli.commands.optimize import command
from tfdeconv.errors import InvalidArgumentError


def invoke(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def model_file(tmp_path):
    model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.Conv2DTranspose(1, 5, 2, "same")])
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_writes_a_model_with_the_same_outputs(model_file, tmp_path):
    """The written file loads and computes what the original does; the table names the layer."""
    result = invoke(model_file, tmp_path / "fast.keras", "--input-shape", "8x8x2", "--budget", "0.02")
    assert result.exit_code == 0
    assert "Conv2DTranspose -> " in result.output
    fast, model = (keras.saving.load_model(tmp_path / name) for name in ("fast.keras", "model.keras"))
    x = np.random.default_rng(0).standard_normal([1, 6, 7, 2]).astype("float32")
    np.testing.assert_allclose(fast(x), model(x), atol=1e-5)


def test_precision(tmp_path):
    """The written file computes in bfloat16 where asked to, and the table says what that changes."""
    convolutions = [keras.layers.Conv2D(4, 3, name=name) for name in ("picture", "hidden", "last")]
    keras.Sequential([keras.Input((None, None, 2)), *convolutions]).save(tmp_path / "model.keras")
    result = invoke(
        tmp_path / "model.keras",
        tmp_path / "fast.keras",
        *("--input-shape", "8x8x2", "--budget", "0", "--precision", "bfloat16"),
    )
    assert "times as fast" in result.output
    fast = keras.saving.load_model(tmp_path / "fast.keras")
    assert fast.get_layer("hidden").compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.keras", "out.keras", "--input-shape", "8x8x2"), "there is no file 'nowhere.keras'"),
        (("model.keras", "out.keras", "--input-shape", "8,8"), "sizes like 256x256x3; received '8,8'"),
        (("model.keras", "out.h5", "--input-shape", "8x8x2"), "must end in .keras; received 'out.h5'"),
        (
            ("model.keras", "no/out.keras", "--input-shape", "8x8x2"),
            "a folder that exists; there is no folder 'no'",
        ),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message):
    """Each mistake is an error of ours, which the command shows as one line."""
    with pytest.raises(InvalidArgumentError, match=message):
        invoke(*arguments)


def test_an_existing_file_is_replaced_only_on_request(model_file):
    """The original above all: the optimized model is not for training."""
    before = model_file.read_bytes()
    arguments = (model_file, model_file, "--input-shape", "8x8x2", "--budget", "0")
    with pytest.raises(InvalidArgumentError, match=r"'.*model\.keras' exists.*or pass --overwrite"):
        invoke(*arguments)
    assert model_file.read_bytes() == before
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert model_file.read_bytes() != before


def test_a_file_that_is_no_model(tmp_path):
    """A broken file is named."""
    (tmp_path / "broken.keras").write_text("not a model")
    with pytest.raises(InvalidArgumentError, match=r"broken\.keras' cannot be loaded"):
        invoke(tmp_path / "broken.keras", tmp_path / "out.keras", "--input-shape", "8x8x2")
