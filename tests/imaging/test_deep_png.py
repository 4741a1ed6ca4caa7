"""16-bit PNG files: another decoder reads them, they are small, and little memory is needed for them."""

import io
import tracemalloc

import imagecodecs
import numpy as np
import pytest
from imaging.pictures import pattern

from tfdeconv.imaging import Photograph
from tfdeconv.imaging.formats.png.deep_writing import write_deep_png


def written(pixels: np.ndarray) -> bytes:
    """The file."""
    file = io.BytesIO()
    write_deep_png(Photograph(pixels), file)
    return file.getvalue()


def ramps(channels: int, *, height: int, width: int) -> np.ndarray:
    """Smooth pixels, flat ones, repeated rows and noise: each filter has its place."""
    rng = np.random.default_rng(channels)
    y, x = np.mgrid[0:height, 0:width]
    quarters = [900 * x + 700 * y, np.full_like(x, 40_000), 2000 * (x % 7), rng.integers(0, 65_536, x.shape)]
    picture = np.choose((y * 4) // height, quarters)
    return np.stack([(picture + 5000 * i) % 65_536 for i in range(channels)], -1).astype(np.uint16)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (33, 50), (300, 1000)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("make", [ramps, lambda channels, **size: pattern(channels, np.uint16, **size)])
def test_another_decoder_reads_the_same_samples(make, channels, size):
    """libpng, which checks every checksum, over several blocks of rows and all filters."""
    height, width = size
    pixels = make(channels, height=height, width=width)
    decoded = imagecodecs.png_decode(written(pixels))
    np.testing.assert_array_equal(decoded, pixels if channels > 1 else pixels[..., 0])


def test_files_are_as_small_as_those_of_libpng():
    """No filter alone is: rows that repeat, smooth ones and flat ones want different ones."""
    pixels = ramps(3, height=400, width=400)
    assert len(written(pixels)) <= 1.02 * len(imagecodecs.png_encode(pixels, level=3))


def test_little_memory_is_needed_beside_the_picture(tmp_path):
    """Rows are compressed as they come: a file of noise is as large as its picture, 32 MB."""
    pixels = pattern(4, np.uint16, height=8000, width=500)
    with (tmp_path / "deep.png").open("wb") as file:
        tracemalloc.start()
        write_deep_png(Photograph(pixels), file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16e6
