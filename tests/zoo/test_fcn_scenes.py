"""The procedural scenes and the segmentation scores."""

import numpy as np
import pytest
from segmentation_scores import confusion_matrix, segmentation_scores
from shapes_scenes import CLASSES, DISTANCES, draw_scenes

from tfdeconv.errors import InvalidArgumentError

BLACK = np.zeros([40, 40, 3], np.uint8)


def test_scenes_are_reproducible():
    """The seed decides everything."""
    one, two, other = (draw_scenes([BLACK], 3, size=32, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert np.any(one.labels != other.labels)


def test_ranges_and_classes():
    """Pictures lie in [0, 1]; over many scenes every class appears."""
    scenes = draw_scenes([BLACK], 30, size=32)
    assert scenes.images.dtype == np.float32
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1
    assert set(np.unique(scenes.labels)) == set(range(len(CLASSES)))


def test_background_is_the_texture():
    """Pixels without a shape show the texture untouched."""
    texture = np.random.default_rng(0).integers(0, 256, [32, 32, 3], np.uint8)
    scenes = draw_scenes([texture], 4, size=32, shapes=(1, 1), seed=5)
    for image, labels in zip(scenes.images, scenes.labels, strict=True):
        far = np.ones_like(labels, bool)
        for row, column in zip(*np.nonzero(labels), strict=True):
            far[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = False
        kept = [texture / 255, texture[:, ::-1] / 255]
        assert min(np.abs(image - each)[far].max() for each in kept) < 1e-6


@pytest.mark.parametrize("distance", DISTANCES)
def test_edges_are_one_pixel_wide(distance):
    """Near the edge the distance has slope 1, so that clipping it blends over one pixel."""
    v, u = np.mgrid[-40:40:0.25, -40:40:0.25]
    values = distance(u, v, 20.0)
    slope = np.hypot(*np.gradient(values, 0.25))
    edge = np.abs(values) < 0.5
    assert np.median(slope[edge]) == pytest.approx(1, abs=0.02)
    assert values[160, 160] == pytest.approx(values.min(), abs=25)
    assert (values < 0).any()
    assert (values > 0).any()


def test_small_textures_are_refused():
    """A texture that is smaller than the scene is named."""
    with pytest.raises(InvalidArgumentError, match=r"at least 64 x 64 pixels; received \[\(40, 40, 3\)\]"):
        draw_scenes([BLACK], 1, size=64)


def test_scores_against_a_loop():
    """Accuracy and mean IU equal their definitions, class by class."""
    rng = np.random.default_rng(4)
    labels, predictions = rng.integers(0, 4, [2, 9, 9]), rng.integers(0, 4, [2, 9, 9])
    scores = segmentation_scores(confusion_matrix(labels, predictions, 5))
    unions = [
        np.sum((labels == c) & (predictions == c)) / np.sum((labels == c) | (predictions == c))
        for c in range(4)
    ]
    assert scores.pixel_accuracy == pytest.approx(np.mean(labels == predictions))
    assert scores.mean_iu == pytest.approx(np.mean(unions))
