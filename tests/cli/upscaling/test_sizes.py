"""How large the result is: by a factor, or to a size."""

import numpy as np
import pytest
from PIL import Image

import tfdeconv as td
from tfdeconv.imaging import read_photograph


@pytest.mark.parametrize("scale", ["3", "4", "1.5", "5.5"])
def test_any_scale(run, photo, tmp_path, scale):
    """Sizes are rounded."""
    assert run(photo, "-o", "a.png", "--scale", scale).code == 0
    height, width = (int(side * float(scale) + 0.5) for side in (12, 20))
    assert read_photograph(tmp_path / "a.png").pixels.shape == (height, width, 3)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (["--width", "50"], (50, 30)),
        (["--height", "31"], (52, 31)),
        (["--width", "50", "--height", "13"], (50, 13)),
        (["--fit", "50x50"], (50, 30)),
        (["--fit", "1000x36"], (60, 36)),
        (["--fit", "x36"], (60, 36)),
        (["--width", "20"], (20, 12)),
        (["--fit", "10x10"], (10, 6)),
        (["--width", "60", "--height", "6"], (60, 6)),
        (["--width", "1"], (1, 1)),
        (["--width", "320"], (320, 192)),
    ],
)
def test_sizes_are_met_exactly(run, photo, tmp_path, arguments, size):
    """Whether larger or smaller, and whatever happens to the shape."""
    assert run(photo, "-o", "a.png", *arguments).code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == size


def test_a_size_that_a_network_has_is_the_network_s_own(run, photo, tmp_path):
    """40 of 20 pixels is a factor of 2: nothing is resampled."""
    assert run(photo, "-o", "a.png", "--width", 40).code == 0
    assert run(photo, "-o", "b.png", "--scale", 2).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_smaller_size_is_pillow_s_antialiased_bicubic(channels):
    """Alpha weighs its colours, as Pillow does it in premultiplied pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, channels), np.uint8)
    small = td.zoo.upscale(pixels, size=(13, 21))
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    expected = np.asarray(image.resize((21, 13), Image.Resampling.BICUBIC)).reshape(13, 21, channels)
    assert np.abs(small.astype(int) - expected).max() <= (1 if channels in (1, 3) else 4)
