"""The picture of before and after shows the right part, twice, at one size."""

import numpy as np
import pytest
from imaging.pictures import pattern

from tfdeconv.imaging import Photograph
from tfdeconv.imaging.comparison import comparison, detailed_part


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("size", "scale"), [((1, 1), 2), ((9, 200), 3), ((200, 9), 1.5), ((120, 130), 16)])
def test_any_photograph_can_be_compared(channels, dtype, size, scale):
    """All kinds and shapes give a sheet of a size that fits a screen."""
    height, width = size
    before = Photograph(pattern(channels, dtype, height=height, width=width))
    after = Photograph(
        pattern(channels, dtype, height=int(height * scale + 0.5), width=int(width * scale + 0.5))
    )
    sheet = comparison(before, after).pixels
    assert sheet.dtype == np.uint8
    assert sheet.shape[-1] == 3
    assert 600 < sheet.shape[1] <= 2000
    assert sheet.shape[0] <= 2000


def test_both_parts_show_the_same_place():
    """Of a picture that is only repeated pixels, before and after look nearly alike."""
    pixels = np.add.outer(np.arange(80), np.arange(100))[..., np.newaxis].astype(np.uint8)
    sheet = comparison(Photograph(pixels), Photograph(pixels.repeat(4, axis=0).repeat(4, axis=1))).pixels
    side = 640
    left, right = sheet[-16 - side : -16, 16 : 16 + side], sheet[-16 - side : -16, 32 + side : 32 + 2 * side]
    assert left.std() > 1
    assert np.abs(left.astype(int) - right.astype(int)).max() < 8


def test_the_part_is_where_the_detail_is():
    """Noise in one corner of a smooth picture."""
    pixels = np.full((300, 400, 3), 128, np.uint8)
    pixels[200:280, 300:380] = pattern(3, height=80, width=80)
    top, left = detailed_part(pixels, 96)
    assert top + 96 > 240 > top
    assert left + 96 > 340 > left


def test_detail_under_full_transparency_does_not_count():
    """It cannot be seen."""
    pixels = np.full((100, 200, 4), 128, np.uint8)
    pixels[..., 3] = 255
    pixels[:, :90, 3], pixels[:, :90, :3] = 0, pattern(3, height=100, width=90)
    pixels[50, 150, :3] = 0
    _, left = detailed_part(pixels, 40)
    assert left >= 60


def test_the_profile_of_colours_comes_along_and_that_of_grey_does_not(icc):
    """The sheet is RGB."""
    for channels, expected in ((3, icc), (1, None)):
        photograph = Photograph(pattern(channels), icc_profile=icc)
        assert comparison(photograph, photograph.with_pixels(pattern(channels))).icc_profile == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_what_the_numbers_mean_comes_along(channels):
    """Numbers that are proportional to light would be shown far too dark."""
    linear = {"gAMA": (100_000).to_bytes(4)}
    photograph = Photograph(pattern(channels), colour=linear)
    assert comparison(photograph, photograph).colour == linear
