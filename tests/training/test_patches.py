import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tfdeconv.errors import ImageError, InvalidArgumentError
from tfdeconv.imaging.bicubic import bicubic_resize
from tfdeconv.imaging.luma import luma
from tfdeconv.training.patches import collect_patches, detail
from tfdeconv.training.photographs import photograph_paths
from tfdeconv.training.pipeline import batches
from tfdeconv.training.recipe import DataRecipe

RECIPE = DataRecipe(reductions=(1,), patch=16, stride=32, keep=0.5, holdout=0.25)


@pytest.fixture(scope="module")
def patches(drawings):
    return collect_patches(drawings, RECIPE, 2)


def every(patches):
    """All low and all high resolution patches."""
    return patches.cut(np.arange(len(patches)))


def test_patches_have_the_recipe_s_sizes(patches):
    """Of 8 x 7 patches in the left 240 of 320 columns of each drawing half is kept."""
    low, high = every(patches)
    assert low.shape == (3 * 8 * 7 // 2, 16, 16)
    assert high.shape == (len(patches), 32, 32)
    assert len(patches.holdout) == 3
    assert [high.shape for _, high in patches.holdout] == [(80, 80)] * 3


def test_low_and_high_patches_show_the_same_place(patches):
    """Reduced, a high-resolution patch is its low-resolution one; a pixel beside, it is not."""
    low, high = every(patches)
    reduced = np.stack([bicubic_resize(patch, Fraction(1, 2)) for patch in high])
    in_place, beside = (
        np.abs(reduced - other)[:, 2:-2, 2:-2].mean() for other in (low, np.roll(low, 1, axis=2))
    )
    assert in_place < 0.1 * beside


def test_memory_is_that_of_the_images(drawings):
    """Patches that overlap 16 times are not stored 16 times."""
    patches = collect_patches(drawings, dataclasses.replace(RECIPE, stride=8, keep=1.0), 2)
    stored = patches.places.nbytes + sum(low.nbytes + high.nbytes for low, high in patches.images)
    assert 10 * stored < sum(part.nbytes for part in every(patches)) / 2


def test_no_training_patch_shows_the_held_out_strip(tmp_path):
    """With a black left and a white right part, training patches are black, the held-out square is white."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, 96:] = 255
    image[::2, 100] = 250
    Image.fromarray(image).save(tmp_path / "halves.png")
    patches = collect_patches(tmp_path, RECIPE, 2)
    np.testing.assert_allclose(every(patches)[1], 16 / 255, atol=1e-3)
    assert patches.holdout[0][1].min() > 230 / 255


def test_kept_patches_are_the_detailed_ones(tmp_path):
    """Where half of a picture is noise and half is flat, keeping half keeps the noise."""
    image = np.full((128, 128, 3), 128, np.uint8)
    image[:64] = np.random.default_rng(0).integers(0, 256, (64, 128, 3))
    Image.fromarray(image).save(tmp_path / "noise.png")
    patches = collect_patches(tmp_path, RECIPE, 2)
    assert len(patches) == 6
    assert all(detail(high) > 0.01 for high in every(patches)[1])


def test_photographs_that_are_too_small_are_refused(tmp_path):
    """The message says how large they must be."""
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "tiny.png")
    with pytest.raises(InvalidArgumentError, match="at least 32 pixels a side"):
        collect_patches(tmp_path, RECIPE, 2)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (4, 100), (100, 4), (20, 64)])
def test_small_photographs_among_others_are_left_out(tmp_path, size):
    """They give neither patches nor something to score; the others give what they give alone."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / "a.png")
    alone = collect_patches(tmp_path, RECIPE, 2)
    Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / "b.png")
    both = collect_patches(tmp_path, RECIPE, 2)
    np.testing.assert_array_equal(every(both)[1], every(alone)[1])
    assert all(min(low.shape) >= 3 for low, _ in both.holdout)


@pytest.mark.parametrize(("holdout", "white"), [(0.02, False), (0.25, True)])
def test_something_to_validate_on_is_needed(tmp_path, holdout, white):
    """A narrow strip cannot be scored, and a flat one has an infinite PSNR from the start."""
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    if white:
        image[:, 96:] = 255
    Image.fromarray(image).save(tmp_path / "a.png")
    with pytest.raises(InvalidArgumentError, match=r"held out .* at least 6 pixels a side and not flat"):
        collect_patches(tmp_path, dataclasses.replace(RECIPE, holdout=holdout), 2)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_grey_is_refused(tmp_path, mode):
    """Pillow would make white of it."""
    Image.new(mode, (64, 64)).save(tmp_path / "deep.tif")
    with pytest.raises(ImageError, match=r"deep\.tif.* holds more than 8 bits a sample"):
        collect_patches(tmp_path, RECIPE, 2)


def test_decoders_errors_of_every_kind_are_told(tmp_path, monkeypatch):
    """Not all of them are OSError: here, Pillow's guard against decompression bombs."""
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match=r"a\.png' cannot be read as an image: .*exceeds limit"):
        collect_patches(tmp_path, RECIPE, 2)


def test_hidden_files_and_folders_are_no_photographs(tmp_path):
    """Other systems leave ``._NAME.jpg`` beside photographs."""
    (tmp_path / "album.png").mkdir()
    (tmp_path / "._a.jpg").write_bytes(b"not a picture")
    with pytest.raises(InvalidArgumentError, match="holds none"):
        photograph_paths(tmp_path)


def test_detail_ranks_edges_above_ramps():
    """A ramp has no second derivative, an edge has."""
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))
    assert detail(ramp) < 1e-9 < detail(np.round(ramp))


def test_luma_of_grey_is_between_black_and_white():
    """Grey g has the luma 16 + 219 g / 255."""
    grey = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
    np.testing.assert_allclose(luma(grey) * 255, 16 + 219 * np.arange(256) / 255, atol=1e-4)
    with pytest.raises(InvalidArgumentError, match="uint8 RGB"):
        luma(grey.astype(np.float32))


def take(patches, **settings):
    return [
        (low.numpy(), high.numpy())
        for low, high in batches(patches, **{"batch": 4, "seed": 1, "first_step": 0, "steps": 3, **settings})
    ]


def test_batches_depend_on_seed_and_step_alone(patches):
    """A pipeline that starts at step 2 gives what the whole one gives there; another seed gives another."""
    whole = take(patches)
    (resumed,) = take(patches, first_step=2, steps=1)
    np.testing.assert_array_equal(resumed[0], whole[2][0])
    np.testing.assert_array_equal(resumed[1], whole[2][1])
    assert not np.array_equal(whole[0][0], whole[1][0])
    assert not np.array_equal(take(patches, seed=2)[0][0], whole[0][0])


def test_low_and_high_patches_are_mirrored_alike(patches):
    """Each pair of a batch is some training pair, both parts under the same of the eight symmetries."""
    symmetries = [
        lambda image, turns=turns, mirrored=mirrored: np.rot90(image[::-1] if mirrored else image, turns)
        for turns in range(4)
        for mirrored in (False, True)
    ]
    seen = set()
    all_low, all_high = every(patches)
    for low, high in take(patches, steps=6):
        assert low.shape == (4, 16, 16, 1)
        assert high.shape == (4, 32, 32, 1)
        for small, large in zip(low[..., 0], high[..., 0], strict=True):
            matches = [
                (index, number)
                for number, change in enumerate(symmetries)
                for index in range(len(patches))
                if np.array_equal(change(all_low[index]), small)
                and np.array_equal(change(all_high[index]), large)
            ]
            assert matches
            seen.add(matches[0][1])
    assert len(seen) > 4
