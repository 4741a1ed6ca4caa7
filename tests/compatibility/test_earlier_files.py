"""Files that earlier versions wrote are read, and compute what they computed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if (path / "every_layer.keras").exists())

CHECK = """
import sys
from pathlib import Path

import tfdeconv
import keras, numpy as np, tensorflow as tf

for path in map(Path, sys.argv[1:]):
    model = keras.saving.load_model(path)
    arrays = np.load(path.with_suffix(".npz"))
    inputs = [arrays[f"x{n}"] for n in range(len(model.inputs))]
    outputs = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    for n, y in enumerate(outputs):
        np.testing.assert_allclose(np.asarray(y), arrays[f"y{n}"], rtol=1e-4, atol=1e-5)
    print(path.stem, len(outputs))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_keras_files(version: str) -> None:
    """After a bare ``import tfdeconv``, .keras files of earlier versions load and give the same numbers."""
    files = sorted((FOLDER / version).glob("*.keras"))
    result = subprocess.run(
        [sys.executable, "-c", CHECK, *map(str, files)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert [line.split()[0] for line in result.stdout.splitlines()] == [file.stem for file in files]
    assert len(files) == 5


@pytest.mark.parametrize("version", VERSIONS)
def test_saved_models(version: str) -> None:
    """A SavedModel of an earlier version is served as it is."""
    import numpy as np
    import tensorflow as tf

    served = tf.saved_model.load(str(FOLDER / version / "saved_model" / "1")).signatures["serving_default"]
    arrays = np.load(FOLDER / version / "upscaler.npz")
    (answer,) = served(tf.constant(arrays["x0"])).values()
    np.testing.assert_allclose(answer.numpy(), arrays["y0"], rtol=1e-4, atol=1e-5)


def test_there_is_an_earlier_version() -> None:
    """The files lie where the tests look."""
    assert "0.1.0" in VERSIONS
