"""Collages: always the same, of the training part alone, with edges as a camera sees them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.training.collage import collages
from tfdeconv.training.patches import collect_patches
from tfdeconv.training.pipeline import batches
from tfdeconv.training.recipe import DataRecipe

RECIPE = DataRecipe(reductions=(1,), patch=16, stride=32, keep=0.5, holdout=0.25)


def grey(level: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_arguments_decide_the_collages():
    """The same ones twice; with another seed others; and the first of many is the first of few."""
    photographs = [grey(30), grey(200)]
    first, second = collages(photographs, 2)
    assert first.shape == (512, 512, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(next(collages(photographs, 1)), first)
    assert not np.array_equal(next(collages(photographs, 1, seed=1)), first)


@pytest.mark.parametrize("size", [(1, 1), (512, 512), (700, 90), (3, 2000)])
def test_photographs_of_every_size_do(size):
    """Small ones are continued by mirroring."""
    rng = np.random.default_rng(0)
    (collage,) = collages([rng.integers(0, 256, (*size, 3), np.uint8)], 1)
    assert collage.shape == (512, 512, 3)


def test_shapes_of_one_grey_cannot_be_seen():
    """Nothing is lighter or darker at a rim: mid-grey is its own negative."""
    for collage in collages([grey(127), grey(128)], 5):
        inner = np.abs(collage.astype(float) - 127.5)
        # Nearly flat shapes have a gradient with a deviation of 8 from one side of the collage to the other.
        assert np.median(inner) <= 1
        assert inner.max() < 40


def test_edges_are_hard_and_averaged_over_pixels():
    """Of black and white photographs: mostly extremes, and between them steps of one or two pixels."""
    for collage in collages([grey(0)], 5):
        level = collage.mean(axis=-1)
        between = (level > 70) & (level < 185)
        assert 0.0005 < between.mean() < 0.05
        assert (np.abs(np.diff(level, axis=1)) > 120).mean() > 0.001


def write(path, image):
    Image.fromarray(image).save(path)


def test_collages_add_patches_and_change_none(tmp_path):
    """Those of the photographs come first, as they are without collages."""
    rng = np.random.default_rng(0)
    write(tmp_path / "a.png", rng.integers(0, 256, (96, 128, 3), np.uint8))
    alone = collect_patches(tmp_path, RECIPE, 2)
    both = collect_patches(tmp_path, dataclasses.replace(RECIPE, collages=2), 2)
    numbers = np.arange(len(alone))
    for part, expected in zip(both.cut(numbers), alone.cut(numbers), strict=True):
        np.testing.assert_array_equal(part, expected)
    assert both.made == len(both) - len(alone) == 2 * 16 * 16 // 2, "half of them"
    assert both.places[len(alone) :, 0].min() == len(alone.images), "each shows its own image"


def test_a_stage_may_leave_collages_out(tmp_path):
    """Then its batches are those of the photographs alone; else they are others."""
    write(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8))
    alone = collect_patches(tmp_path, RECIPE, 2)
    both = collect_patches(tmp_path, dataclasses.replace(RECIPE, collages=2), 2)

    def first_batch(patches, **options):
        (batch,) = batches(patches, batch=8, seed=1, first_step=0, steps=1, **options)
        return batch[1].numpy()

    np.testing.assert_array_equal(first_batch(both, collages=False), first_batch(alone))
    assert not np.array_equal(first_batch(both), first_batch(alone))


def test_collages_show_nothing_of_the_held_out_strip(tmp_path):
    """Whatever the strip shows, the patches are the same."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 128, 3), np.uint8)
    recipe = dataclasses.replace(RECIPE, collages=3)
    write(tmp_path / "a.png", image)
    first = collect_patches(tmp_path, recipe, 2)
    image[:, 96:] = rng.integers(0, 256, (96, 32, 3), np.uint8)
    write(tmp_path / "a.png", image)
    second = collect_patches(tmp_path, recipe, 2)
    numbers = np.arange(len(first))
    np.testing.assert_array_equal(first.cut(numbers)[1], second.cut(numbers)[1])
    assert not np.array_equal(first.holdout[0][1], second.holdout[0][1])


def test_patches_larger_than_a_collage_are_refused(tmp_path):
    """512 pixels hold patches of up to 256 at scale 2."""
    with pytest.raises(
        InvalidArgumentError, match=r"patch must be at most 256 at scale 2 with collages.*received 257"
    ):
        collect_patches(tmp_path, dataclasses.replace(RECIPE, patch=257, collages=1), 2)
