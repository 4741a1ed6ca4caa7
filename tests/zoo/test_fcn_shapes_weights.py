"""The trained networks of models/fcn_shapes: whole, small, and better with every skip."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from segmentation_scores import confusion_matrix, segmentation_scores
from shapes_network import shapes_fcn
from shapes_scenes import CLASSES, draw_scenes

import tfdeconv
from tfdeconv.zoo.upscalers.pretrained import load_weights

FOLDER = Path(__file__).parents[2] / "models" / "fcn_shapes"
FILES = sorted(FOLDER.glob("*.npz"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_weights_fit_their_network(path):
    """fcn-shapes-STRIDEs-UPSAMPLING.npz loads into that network; at most 300 KB, numbers finite."""
    stride, upsampling = path.stem.removeprefix("fcn-shapes-").split("-")
    model = shapes_fcn(int(stride.removesuffix("s")), upsampling)
    load_weights(model, path)
    assert path.stat().st_size <= 300 * 1024
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


def test_mean_iu_rises_with_every_skip():
    """On scenes over a photograph that none of them has seen: 32s, then 16s, then 8s."""
    image = pytest.importorskip("PIL.Image")
    photo = Path(tfdeconv.__file__).parent / "cli" / "demo_photo.jpg"
    with image.open(photo) as picture:
        texture = np.asarray(picture.convert("RGB").resize((400, 300)))
    scenes = draw_scenes([texture], 40, size=128, seed=9)
    scores = []
    for stride in (32, 16, 8):
        model = shapes_fcn(stride)
        load_weights(model, FOLDER / f"fcn-shapes-{stride}s-bilinear.npz")
        predictions = model.predict(scenes.images, batch_size=8, verbose=0).argmax(-1)
        confusion = confusion_matrix(scenes.labels, predictions, len(CLASSES))
        scores.append(segmentation_scores(confusion).mean_iu)
    assert scores[0] + 0.03 < scores[1]
    assert scores[1] < scores[2]


def test_the_export_script_writes_a_version(tmp_path):
    """models/fcn_shapes/export.py runs from anywhere and prints the folder that it wrote."""
    command = [sys.executable, FOLDER / "export.py", "--stride", "16", "--output", tmp_path / "shapes"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "shapes" / "1")
    assert (tmp_path / "shapes" / "1" / "saved_model.pb").exists()
