"""Numbers that are spread otherwise than the networks learned them are told from those that are not."""

import struct

import numpy as np
import pytest
from imaging.pictures import gamma, made_profile, pattern

from tfdeconv.imaging import Photograph
from tfdeconv.imaging.formats.metadata.icc import exponent
from tfdeconv.imaging.transfer import exponent_of, from_srgb_curve, remark, to_srgb_curve

PIXELS = np.zeros((1, 1, 3), np.uint16)


def curve(*points):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)


def parametric(function, *numbers):
    return b"para\0\0\0\0" + struct.pack(
        f">HH{len(numbers)}i", function, 0, *(round(n * 65536) for n in numbers)
    )


@pytest.mark.parametrize(
    ("tone", "expected"),
    [
        (curve(), 1.0),
        (gamma(1.0), 1.0),
        (gamma(2.2), 2.2),
        (curve(0, 65535), 1.0),
        (curve(0, 16384, 65535), 2.0),
        (parametric(0, 1.0), 1.0),
        (parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), 2.2),
    ],
)
def test_the_curve_of_a_profile(tone, expected):
    """Every form in which profiles have it; sRGB's is near 2.2."""
    for space in (b"RGB ", b"GRAY"):
        assert exponent(made_profile(space, tone)) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("cut", [0, 100, 128, 131, 140, 250])
def test_profiles_that_end_early_have_no_curve(cut):
    """Nor those whose tables point nowhere."""
    assert exponent(made_profile(b"RGB ", gamma(1.0))[:cut]) is None


@pytest.mark.parametrize(
    ("colour", "profile", "expected"),
    [
        ({}, None, None),
        ({"gAMA": struct.pack(">I", 45455)}, None, None),
        ({"gAMA": struct.pack(">I", 55556)}, None, None),
        ({"gAMA": struct.pack(">I", 100000)}, None, 1.0),
        ({"gAMA": struct.pack(">I", 0)}, None, None),
        ({"gAMA": struct.pack(">I", 100000), "sRGB": b"\0"}, None, None),
        ({"gAMA": struct.pack(">I", 100000)}, gamma(2.2), None),
        ({"gAMA": struct.pack(">I", 45455)}, gamma(1.0), 1.0),
        ({"cICP": bytes([1, 8, 0, 1])}, gamma(2.2), 1.0),
        ({"cICP": bytes([1, 13, 0, 1]), "gAMA": struct.pack(">I", 100000)}, gamma(1.0), None),
    ],
)
def test_what_counts_first(colour, profile, expected):
    """CICP before iCCP before sRGB before gAMA, as the PNG specification has it."""
    profile = None if profile is None else made_profile(b"RGB ", profile)
    assert exponent_of(Photograph(PIXELS, icc_profile=profile, colour=colour)) == (
        None if expected is None else pytest.approx(expected, abs=0.01)
    )


def test_what_is_done_is_told():
    """Linear is re-encoded, PQ is not; sRGB needs no word."""
    assert remark(Photograph(PIXELS)) is None
    assert "linear numbers" in remark(Photograph(PIXELS, colour={"cICP": bytes([1, 8, 0, 1])}))
    assert "PQ numbers; they are enlarged as they are" in remark(
        Photograph(PIXELS, colour={"cICP": bytes([9, 16, 0, 1])})
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_curve_and_back_changes_nothing(dtype, channels):
    """But by rounding of 16 bits, in lights."""
    pixels = pattern(channels, dtype)
    has_alpha = channels in (2, 4)
    coded = to_srgb_curve(pixels, 1.0, has_alpha=has_alpha)
    assert coded.dtype == np.uint16
    back = from_srgb_curve(coded, 1.0, dtype, has_alpha=has_alpha)
    assert np.abs(back.astype(int) - pixels).max() <= (0 if dtype is np.uint8 else 1)
    if has_alpha:
        np.testing.assert_array_equal(back[..., -1], pixels[..., -1])
    middle = to_srgb_curve(np.full((1, 1, 1), 13933, np.uint16), 1.0, has_alpha=False)  # 21.26 % of light
    assert middle[0, 0, 0] / 65535 == pytest.approx(0.4987, abs=1e-3)  # sRGB's curve at that
