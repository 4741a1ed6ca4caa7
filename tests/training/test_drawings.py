"""Drawn pages: always the same, each kind with what it is drawn for."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tfdeconv.training.drawings.line_art import line_art
from tfdeconv.training.drawings.maps import map_sheet
from tfdeconv.training.drawings.pages import KINDS, drawings
from tfdeconv.training.drawings.paper import SIDE, Paper, font
from tfdeconv.training.drawings.text import text_page, words
from tfdeconv.training.patches import collect_patches
from tfdeconv.training.recipe import DataRecipe


@pytest.fixture(scope="module")
def pages():
    return list(drawings(9))


def test_arguments_decide_the_drawings(pages):
    """The same ones twice; with another seed others; the first of many is the first of few."""
    assert all(page.shape == (SIDE, SIDE, 3) and page.dtype == np.uint8 for page in pages)
    for again, page in zip(drawings(3), pages, strict=False):
        np.testing.assert_array_equal(again, page)
    assert (next(drawings(1, seed=1)) != pages[0]).any()


def test_kinds_take_turns():
    """Text, line art, maps."""
    assert (text_page, line_art, map_sheet) == KINDS


def test_drawings_are_flat_with_hard_edges(pages):
    """Most pixels equal their right neighbour; where they do not, many differ by much."""
    for page in pages:
        grey = page.astype(float).mean(axis=-1)
        step = np.abs(np.diff(grey, axis=1))
        assert (step == 0).mean() > 0.4
        assert (step > 40).mean() > 0.003


def test_paper_averages_edges_over_its_subsamples():
    """Half of a pixel of black on white is grey."""
    paper = Paper((255, 255, 255), fineness=4)
    paper.area([(0, 0), (10.25, 0), (10.25, SIDE), (0, SIDE)], (0, 0, 0))
    row = paper.pixels()[100, :, 0]
    assert row[9] == 0
    assert row[12] == 255
    assert 0 < row[10] < 255


def test_words_are_of_every_alphabet_that_the_font_has():
    """No letter is drawn as the box that stands for a missing one."""
    text = words(np.random.default_rng(0), 400)
    missing = bytes(font("Sans", 20).getmask("\U0010fffe"))
    boxes = [sign for sign in sorted(set(text) - {" "}) if bytes(font("Sans", 20).getmask(sign)) == missing]
    assert boxes == []
    assert {"ä", "λ", "я", "7"} <= set(text)


def test_drawings_add_patches_and_change_none(tmp_path):
    """They come after those of photographs and collages, and a stage may leave them out."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / "a.png")
    recipe = DataRecipe(reductions=(1,), patch=16, stride=32, keep=0.5, holdout=0.25, collages=1)
    without = collect_patches(tmp_path, recipe, 2)
    patches = collect_patches(tmp_path, dataclasses.replace(recipe, drawings=2), 2)
    assert patches.made - without.made == len(patches) - len(without) == 2 * 16 * 16 // 2
    numbers = np.arange(len(without))
    np.testing.assert_array_equal(patches.cut(numbers)[1], without.cut(numbers)[1])
