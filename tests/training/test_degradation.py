from fractions import Fraction

import numpy as np
import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bicubic import bicubic_resize, degrade
from tfdeconv.training.photographs import read_rgb

NAMES = ("baby", "bird", "butterfly", "head", "woman")


def resize_one_sample(row, scale, position):
    """One output sample of one row, straight from the definition; knows nothing of the package."""
    width = max(1.0, 1.0 / scale)
    centre = (position + 0.5) / scale - 0.5
    total = weights = 0.0
    for sample in range(int(centre - 2 * width) - 3, int(centre + 2 * width) + 4):
        d = abs(centre - sample) / width
        weight = (
            1.5 * d**3 - 2.5 * d**2 + 1 if d <= 1 else -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0
        )
        mirrored = sample
        while not 0 <= mirrored < len(row):
            mirrored = -1 - mirrored if mirrored < 0 else 2 * len(row) - 1 - mirrored
        total += weight * row[mirrored]
        weights += weight
    return total / weights


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), Fraction(2, 5), 2, 3, 4])
@pytest.mark.parametrize("size", [1, 5, 12])
def test_a_float_row_equals_the_definition(scale, size):
    """Every output sample is the normalized sum of the (widened) cubic kernel over mirrored samples."""
    row = np.random.default_rng(0).random(size).astype(np.float32)
    resized = bicubic_resize(np.stack([row] * 3), scale)
    assert resized.shape == (-(-3 * Fraction(scale) // 1), -(-size * Fraction(scale) // 1))
    expected = [resize_one_sample(row, float(scale), position) for position in range(resized.shape[1])]
    np.testing.assert_allclose(resized[0], expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_reduction_equals_the_published_files(data_folder, name, scale):
    """Away from the border, where the published files were cut, every sample is MATLAB's to 1 in 255."""
    folder = data_folder / "set5" / f"x{scale}"
    published = read_rgb(folder / f"{name}_lr.png").astype(int)
    low, high = degrade(read_rgb(folder / f"{name}_hr.png"), scale)
    assert low.shape == published.shape
    assert high.shape[:2] == (low.shape[0] * scale, low.shape[1] * scale)
    inner = abs(low - published)[3:-3, 3:-3]
    assert inner.max() <= 1
    assert np.mean(inner > 0) < 0.003


def test_without_rounding_between_the_axes_the_published_files_are_missed(data_folder):
    """The guard above can fail: unrounded rows differ from the published samples in more than a twentieth."""
    folder = data_folder / "set5" / "x2"
    published = read_rgb(folder / "baby_lr.png").astype(int)
    unrounded = bicubic_resize(read_rgb(folder / "baby_hr.png").astype(np.float32), Fraction(1, 2))
    assert np.mean(np.round(unrounded).clip(0, 255) != published) > 0.05


def test_eight_bit_results_are_clipped():
    """The overshoot of the cubic kernel at an edge stays within 0 and 255."""
    edge = np.zeros((8, 8), np.uint8)
    edge[:, 4:] = 255
    assert bicubic_resize(edge, 4).min() == 0
    assert bicubic_resize(edge, 4).max() == 255
    assert bicubic_resize(edge.astype(np.float32), 4).max() > 255


@pytest.mark.parametrize(
    ("image", "scale", "message"),
    [
        (np.zeros((4, 4), np.int32), 2, r"image must be uint8 or float32.*received int32 of shape \[4, 4\]"),
        (np.zeros((4,), np.uint8), 2, r"received uint8 of shape \[4\]"),
        (np.zeros((0, 4), np.uint8), 2, r"not empty.*received uint8 of shape \[0, 4\]"),
        (np.zeros((4, 4), np.uint8), 0, "scale must be positive; received 0"),
    ],
)
def test_what_cannot_be_resized_is_named(image, scale, message):
    """Wrong types, shapes and scales are refused with the rule and the received value."""
    with pytest.raises(InvalidArgumentError, match=message):
        bicubic_resize(image, scale)
