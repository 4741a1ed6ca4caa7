"""Pictures that JPEG has hurt: what is compressed, how often, and how training uses them."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from tfdeconv.imaging.luma import luma
from tfdeconv.training import jpeg
from tfdeconv.training.jpeg import hurt_by_jpeg, through_jpeg
from tfdeconv.training.patches import collect_patches
from tfdeconv.training.pipeline import batches
from tfdeconv.training.recipe import DataRecipe

RECIPE = DataRecipe(reductions=(1,), patch=16, stride=32, keep=0.5, holdout=0.25)
NOISE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)


def test_it_is_the_library_s_jpeg():
    """The same pixels as from a file of that quality and subsampling."""
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, "JPEG", quality=40, subsampling="4:2:0")
    with Image.open(file) as image:
        np.testing.assert_array_equal(through_jpeg(NOISE, 40), image)
    assert (through_jpeg(NOISE, 40, "4:4:4") != through_jpeg(NOISE, 40)).any()


def test_lower_quality_hurts_more():
    """The mean error falls with the quality."""
    errors = [np.abs(through_jpeg(NOISE, quality).astype(int) - NOISE).mean() for quality in (30, 60, 90)]
    assert errors == sorted(errors, reverse=True)


def test_every_way_of_saving_is_met(monkeypatch):
    """Qualities from 30 to 90, both subsamplings, once and twice, and crops between the two."""
    calls = []

    def note(image, quality, subsampling):
        calls.append((image.shape, quality, subsampling))
        return image

    monkeypatch.setattr(jpeg, "through_jpeg", note)
    rng, saved = np.random.default_rng(0), []
    for _ in range(200):
        before = len(calls)
        np.testing.assert_array_equal(hurt_by_jpeg(NOISE, rng), NOISE, "what is cropped was added before")
        saved.append(len(calls) - before)
    assert set(saved) == {1, 2}
    assert 70 < saved.count(2) < 130
    shapes, qualities, subsamplings = zip(*calls, strict=True)
    assert (min(qualities), max(qualities)) == (30, 90)
    assert set(subsamplings) == {"4:2:0", "4:4:4"}
    assert {shape[0] - 40 for shape in shapes} == set(range(8))


def test_the_generator_decides():
    """Twice the same from the same seed."""
    first, second, other = (hurt_by_jpeg(NOISE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.fixture(scope="module")
def hurt(drawings):
    return collect_patches(drawings, dataclasses.replace(RECIPE, jpeg_versions=2), 2)


def test_versions_differ_and_the_first_is_clean(drawings, hurt):
    """Version 0 and the high resolution are those of a recipe without JPEG."""
    clean = collect_patches(drawings, RECIPE, 2)
    numbers = np.arange(len(clean))
    assert (clean.versions, hurt.versions) == (1, 3)
    low, high = clean.cut(numbers)
    lows = [hurt.cut(numbers, version) for version in range(3)]
    for _, other in lows:
        np.testing.assert_array_equal(other, high)
    np.testing.assert_array_equal(lows[0][0], low)
    for one, two in ((0, 1), (0, 2), (1, 2)):
        difference = np.abs(lows[one][0] - lows[two][0])
        assert 1e-3 < difference.mean() < 0.1


def test_held_out_squares_are_clean_and_hurt_in_turns(drawings, hurt):
    """The score of a run minds both."""
    clean = collect_patches(drawings, RECIPE, 2)
    changed = [bool((a[0] != b[0]).any()) for a, b in zip(clean.holdout, hurt.holdout, strict=True)]
    assert changed == [False, True, False]
    for (_, first), (_, second) in zip(clean.holdout, hurt.holdout, strict=True):
        np.testing.assert_array_equal(first, second)


def low_batches(patches, **options):
    return np.concatenate(
        [low for low, _ in batches(patches, batch=16, seed=1, first_step=0, steps=20, **options)]
    )


def test_a_stage_says_how_many_patches_are_hurt(hurt):
    """Its share of them, within the reach of chance; the others are those of a clean run."""
    clean = low_batches(hurt)
    for share in (0.25, 1.0):
        changed = (low_batches(hurt, jpeg_share=share) != clean).any(axis=(1, 2, 3)).mean()
        assert changed == pytest.approx(share, abs=0.07)


def test_clean_pictures_have_nothing_to_share(drawings):
    """The share does not matter where a recipe has no JPEG versions."""
    patches = collect_patches(drawings, RECIPE, 2)
    np.testing.assert_array_equal(low_batches(patches, jpeg_share=0.9), low_batches(patches))


def test_blocks_can_be_seen_in_what_a_network_gets():
    """A ramp comes back with steps at multiples of eight pixels, which the clean one has not."""
    ramp = np.repeat(np.linspace(60, 90, 64).astype(np.uint8)[np.newaxis, :, np.newaxis], 64, 0).repeat(3, 2)
    steps = np.abs(np.diff(luma(through_jpeg(ramp, 30)), axis=1)).mean(axis=0)
    assert steps[7::8].mean() > 2 * np.delete(steps, np.s_[7::8]).mean()
