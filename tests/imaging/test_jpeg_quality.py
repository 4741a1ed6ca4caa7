"""The quality that a JPEG file was saved with, from its quantization tables."""

import numpy as np
import pytest
from PIL import Image

from tfdeconv.imaging.formats.jpeg_quality import jpeg_quality

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8))


@pytest.mark.parametrize("quality", [5, 30, 49, 50, 51, 75, 90, 95, 100])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_it_is_the_one_asked_for(tmp_path, quality, mode):
    """Within two of what the encoder of the Independent JPEG Group was told."""
    NOISE.convert(mode).save(tmp_path / "a.jpg", quality=quality)
    assert jpeg_quality(tmp_path / "a.jpg") == pytest.approx(quality, abs=2)


def test_it_follows_the_tables_and_not_the_name(tmp_path):
    """A JPEG file with the ending of another format has a quality, a PNG called .jpg has none."""
    NOISE.save(tmp_path / "a.png", "JPEG", quality=60)
    NOISE.save(tmp_path / "b.jpg", "PNG")
    assert jpeg_quality(tmp_path / "a.png") == pytest.approx(60, abs=2)
    assert jpeg_quality(tmp_path / "b.jpg") is None


def test_tables_of_one_s_own_are_placed_on_the_scale(tmp_path):
    """Flat tables are as coarse as the standard ones of like sum: 58 a step is quality 50."""
    for step, least, largest in ((1, 98, 100), (58, 48, 52), (200, 10, 20)):
        NOISE.save(tmp_path / "a.jpg", qtables=[[step] * 64, [step] * 64])
        assert least <= jpeg_quality(tmp_path / "a.jpg") <= largest


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0 cut off"])
def test_what_cannot_be_read_has_none(tmp_path, content):
    """Reading the picture tells what is wrong."""
    (tmp_path / "a.jpg").write_bytes(content)
    assert jpeg_quality(tmp_path / "a.jpg") is None
    assert jpeg_quality(tmp_path / "missing.jpg") is None
