"""Outputs that are written as pictures and may be none."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfdeconv.cli import tensor_files as _tensor_files

RANDOM = np.random.default_rng(0)
SOFTMAX = RANDOM.dirichlet([1, 1, 1], (1, 6, 5)).astype("float32")


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (SOFTMAX, "adds up to 1 over the channels of every pixel, as the probabilities of 3 classes do: "),
        (SOFTMAX.astype("float16"), "adds up to 1 over the channels"),
        (RANDOM.normal(0, 5, (1, 6, 5, 3)).astype("float32"), "has values from -.* cut to 0 to 1"),
        (255 * RANDOM.random((1, 6, 5, 3), "float32"), "cut to 0 to 1"),
        (np.full((4, 4, 1), np.nan, "float32"), "holds values that are not finite"),
        (np.full((4, 4, 3), np.inf, "float32"), "holds values that are not finite"),
        (
            RANDOM.integers(0, 21, (1, 6, 5, 1)),
            "has no value above 20, as numbers of classes do: .* looks black",
        ),
        (RANDOM.integers(-9, 999, (1, 6, 5, 3)), "has values from -.* cut to 0 to 255"),
        (RANDOM.random((1, 6, 5, 3), "float32"), None),
        (1.3 * RANDOM.random((1, 6, 5, 3), "float32") - 0.15, None),
        (RANDOM.random((1, 6, 5, 1), "float32"), None),
        (RANDOM.integers(0, 256, (6, 5, 3), "uint8"), None),
    ],
)
def test_what_is_no_picture_gets_a_hint(tmp_path, array, hint):
    """Probabilities, scores, classes and broken values are written with a word; pictures without."""
    path = tmp_path / "y.png"
    _tensor_files.write(path, array, "scores")
    with Image.open(path) as picture:
        assert picture.size == array.shape[-2:-4:-1]
    found = _tensor_files.doubt(path, array, "scores")
    if hint is None:
        assert found is None
    else:
        assert re.search(hint, found)


def test_arrays_and_bytes_get_no_hint():
    """The hint is about pictures only."""
    assert _tensor_files.doubt(Path("y.npy"), SOFTMAX, "scores") is None
    assert _tensor_files.doubt(Path("y.png"), np.array([b"bytes"], object), "scores") is None


def test_a_damaged_exif_block_is_no_reason_to_warn(tmp_path):
    """Warnings are errors here; the pixels are fine."""
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert _tensor_files.can_be_sent_encoded(path)


def test_a_picture_too_large_to_be_read_is_not_sent_either(tmp_path, monkeypatch):
    """It would fill the memory of whoever decodes it."""
    path = tmp_path / "a.png"
    Image.new("L", (50, 50)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert not _tensor_files.can_be_sent_encoded(path)
