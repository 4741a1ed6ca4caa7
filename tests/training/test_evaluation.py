import numpy as np
import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.image_quality import psnr, ssim
from tfdeconv.training.scored_pairs import scored_pairs
from tfdeconv.training.scores import bicubic, mean_score, score

PUBLISHED_BICUBIC = {2: (33.66, 0.9299), 3: (30.39, 0.8682), 4: (28.42, 0.8104)}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_on_set5_has_the_published_score(data_folder, scale):
    """The protocol is the papers': their bicubic row comes out to 0.02 dB and 0.0005."""
    pairs = scored_pairs(data_folder / "set5" / f"x{scale}", scale)
    mean = mean_score(score(pair, bicubic(scale), scale) for pair in pairs)
    assert mean.psnr == pytest.approx(PUBLISHED_BICUBIC[scale][0], abs=0.02)
    assert mean.ssim == pytest.approx(PUBLISHED_BICUBIC[scale][1], abs=0.0005)


def test_psnr_is_of_rounded_clipped_values_inside_the_border():
    """PSNR rounds to 8 bits, clips, and does not see the border."""
    high = np.full((10, 12), 100 / 255, np.float32)
    predicted = high + 0.4 / 255
    predicted[0] = 1.0
    assert psnr(high, predicted, 1) == np.inf
    assert psnr(high, predicted, 0) == pytest.approx(10 * np.log10(255**2 / (155**2 / 10)))
    predicted[5, 5] = 2.0
    assert psnr(high, predicted, 1) == pytest.approx(10 * np.log10(255**2 / (155**2 / 80)))


def test_ssim_of_equal_images_is_one_and_falls_with_noise():
    """SSIM is 1 for equal images and lower for noisy ones."""
    rng = np.random.default_rng(0)
    high = rng.random((32, 32)).astype(np.float32)
    assert ssim(high, high, 2) == pytest.approx(1.0)
    assert ssim(high, high + rng.normal(0, 0.2, high.shape).astype(np.float32), 2) < 0.95


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    ("first", "second", "border", "message"),
    [
        ((20, 20), (20, 21), 2, r"of one shape.*received \[20, 20\] and \[20, 21\]"),
        ((4, 20), (4, 20), 2, r"larger than twice the border of 2"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(metric, first, second, border, message):
    """Different shapes, and images that are all border, are named."""
    with pytest.raises(InvalidArgumentError, match=message):
        metric(np.zeros(first, np.float32), np.zeros(second, np.float32), border)


def test_ssim_names_its_least_size():
    """An image smaller than SSIM's window is refused in words."""
    with pytest.raises(InvalidArgumentError, match="at least 11 pixels"):
        ssim(np.zeros((12, 12), np.float32), np.zeros((12, 12), np.float32), 1)
