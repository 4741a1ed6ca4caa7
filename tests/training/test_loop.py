import dataclasses

import keras
import numpy as np
import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.layers import Conv2DTranspose
from tfdeconv.training import loop
from tfdeconv.training.loop import Trainer, learning_rate, start_from
from tfdeconv.training.patches import PatchSet
from tfdeconv.training.recipe import DataRecipe, Recipe, ScaleRecipe, Stage
from tfdeconv.zoo.upscalers.pretrained import named_weights, save_weights
from tfdeconv.zoo.upscalers.slim import Slim

STAGES = (Stage(steps=4, learning_rate=1e-3, batch=2), Stage(steps=3, learning_rate=1e-4, batch=2, loss="l2"))
RECIPE = Recipe("tiny", {2: ScaleRecipe(STAGES)}, validate_every=2)


def tiny(scale, *, data_format):
    """Two layers, since every Trainer compiles its steps anew."""
    hidden = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
    last = Conv2DTranspose(1, 4, strides=scale, padding="same")
    return keras.Sequential([keras.Input((None, None, 1)), hidden, last])


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    monkeypatch.setattr(loop, "LUMA_NETWORKS", {"tiny": tiny})


@pytest.fixture(scope="module")
def patches():
    rng = np.random.default_rng(0)
    low, high = rng.random((12, 8)).astype(np.float16), rng.random((24, 16)).astype(np.float16)
    places = np.array([(0, top, 0) for top in range(4)], np.int32)
    holdout = (low[:8].astype(np.float32), high[:16].astype(np.float32))
    return PatchSet(((low[np.newaxis], high),), places, size=8, scale=2, holdout=(holdout,))


def weights(trainer):
    return [value.numpy() for model in (trainer.model, trainer.average) for value in model.weights]


def test_a_run_in_pieces_is_the_whole_run(patches, tmp_path):
    """Stopped within and between stages, each time taken up by a new Trainer, the weights end the same."""
    whole = Trainer(RECIPE, 2, patches, tmp_path / "whole")
    whole.run(progress=False)
    for until in (3, 5, None):
        piece = Trainer(RECIPE, 2, patches, tmp_path / "pieces")
        outcome = piece.run(until=until, progress=False)
        assert outcome.step == (until or 7)
    for first, second in zip(weights(whole), weights(piece), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_ends_elsewhere(patches, tmp_path):
    """The comparison above can fail: the seed decides the result."""
    first = Trainer(RECIPE, 2, patches, tmp_path / "first")
    second = Trainer(Recipe("tiny", RECIPE.scales, seed=2), 2, patches, tmp_path / "second")
    for trainer in (first, second):
        trainer.run(until=2, progress=False)
    assert any(not np.array_equal(*pair) for pair in zip(weights(first), weights(second), strict=True))


def test_a_finished_run_stays_finished(patches, tmp_path):
    """Starting a finished run again changes nothing."""
    Trainer(RECIPE, 2, patches, tmp_path).run(progress=False)
    again = Trainer(RECIPE, 2, patches, tmp_path)
    before = weights(again)
    assert again.run(progress=False).step == 7
    for first, second in zip(before, weights(again), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 2}, "seed"),
        ({"scales": {2: ScaleRecipe(STAGES[:1])}}, "stages"),
        ({"data": DataRecipe(keep=0.4, collages=1), "average": 0.9}, "average, data"),
    ],
)
def test_a_run_goes_on_with_its_own_recipe_alone(patches, tmp_path, changes, named):
    """Weights of two recipes in one would be nobody's; the other scales of the recipe do not matter."""
    Trainer(RECIPE, 2, patches, tmp_path).run(until=3, progress=False)
    with pytest.raises(
        InvalidArgumentError, match=f"holds a run with other settings: {named}. Its recipe is in"
    ):
        Trainer(dataclasses.replace(RECIPE, **changes), 2, patches, tmp_path)
    with_another_scale = dataclasses.replace(RECIPE, scales={**RECIPE.scales, 3: ScaleRecipe(STAGES[:1])})
    Trainer(with_another_scale, 2, patches, tmp_path)


def test_a_run_goes_on_with_its_own_photographs_alone(patches, tmp_path):
    """Before the first checkpoint there is nothing to go on with, so all may change."""
    ((low, high),) = patches.images
    other = dataclasses.replace(patches, images=((low, high[::-1].copy()),))
    Trainer(RECIPE, 2, other, tmp_path)
    Trainer(RECIPE, 2, patches, tmp_path).run(until=3, progress=False)
    with pytest.raises(InvalidArgumentError, match="other settings: photographs"):
        Trainer(RECIPE, 2, other, tmp_path)


def test_a_steady_stage_does_not_depend_on_its_length():
    """So it may be cut where one likes, and the rate falls in a stage of its own."""
    rates = [
        [learning_rate(Stage(steps=steps, learning_rate=0.5, warmup=10, end=1.0), step) for step in range(90)]
        for steps in (90, 10_000)
    ]
    assert rates[0] == rates[1]
    assert set(rates[0][9:]) == {0.5}


def test_the_rate_falls_in_every_stage_and_rises_between():
    """Each stage is a warm-up and half a cosine of its own."""
    stage = Stage(steps=1000, learning_rate=0.5, warmup=10)
    rates = [learning_rate(stage, step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.05)
    assert max(rates) == pytest.approx(0.5, rel=1e-3)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] == pytest.approx(0.005)


def test_another_scale_starts_from_the_body(tmp_path):
    """start_from copies all layers but the last, whose shape differs, and names what it left."""
    first, second = Slim(2), Slim(4)
    save_weights(first, tmp_path / "weights.npz")
    assert start_from(second, tmp_path / "weights.npz") == ["upsample/kernel"]
    for name, weight in named_weights(second).items():
        if name != "upsample/kernel":
            np.testing.assert_array_equal(weight.numpy(), named_weights(first)[name].numpy())


@pytest.mark.parametrize(
    ("recipe", "scale", "message"),
    [
        (RECIPE, 3, r"scale must be one that the recipe has \(2\); received 3"),
        (Recipe("vdsr", RECIPE.scales), 2, "architecture must be one of tiny; received 'vdsr'"),
    ],
)
def test_what_the_recipe_does_not_hold_is_refused(patches, tmp_path, recipe, scale, message):
    """Unknown networks and scales are named before anything is written."""
    with pytest.raises(InvalidArgumentError, match=message):
        Trainer(recipe, scale, patches, tmp_path / "run")
    assert not (tmp_path / "run").exists()
