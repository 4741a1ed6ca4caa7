"""The quality that a JPEG file was saved with, from its quantization tables."""

import numpy as np
import pytest
from PIL import Image

from tfdeconv.imaging import read_photograph

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8))


def quality_of(path):
    return read_photograph(path).jpeg_quality


@pytest.mark.parametrize("quality", [5, 30, 49, 50, 51, 75, 90, 95, 100])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_it_is_the_one_asked_for(tmp_path, quality, mode):
    """Within two of what the encoder of the Independent JPEG Group was told."""
    NOISE.convert(mode).save(tmp_path / "a.jpg", quality=quality)
    assert quality_of(tmp_path / "a.jpg") == pytest.approx(quality, abs=2)


def test_it_follows_the_tables_and_not_the_name(tmp_path):
    """A JPEG file with the ending of another format has a quality, a PNG called .jpg has none."""
    NOISE.save(tmp_path / "a.png", "JPEG", quality=60)
    NOISE.save(tmp_path / "b.jpg", "PNG")
    assert quality_of(tmp_path / "a.png") == pytest.approx(60, abs=2)
    assert quality_of(tmp_path / "b.jpg") is None


def test_tables_of_one_s_own_are_placed_on_the_scale(tmp_path):
    """Flat tables are as coarse as the standard ones of like sum: 58 a step is quality 50."""
    for step, least, largest in ((1, 98, 100), (58, 48, 52), (200, 10, 20)):
        NOISE.save(tmp_path / "a.jpg", qtables=[[step] * 64, [step] * 64])
        assert least <= quality_of(tmp_path / "a.jpg") <= largest


def test_other_pixels_have_none(tmp_path):
    """What was enlarged was not saved with any quality."""
    NOISE.save(tmp_path / "a.jpg")
    photograph = read_photograph(tmp_path / "a.jpg")
    assert photograph.with_pixels(photograph.pixels).jpeg_quality is None
