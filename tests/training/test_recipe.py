import dataclasses

import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.training.recipe import load_recipe, parse_recipe, shipped_recipe
from tfdeconv.zoo.upscalers.upscaler_model import LUMA_NETWORKS

STAGE = {"steps": 4, "learning_rate": 0.1}


def recipe(**changes):
    return {"architecture": "slim", "scales": {"2": {"stages": [STAGE]}}, **changes}


def stage(**changes):
    return recipe(scales={"2": {"stages": [{**STAGE, **changes}]}})


def test_a_scale_may_have_data_of_its_own():
    """What it does not say is as at the top; other scales do not change."""
    own = {"stages": [STAGE], "data": {"keep": 0.25, "reductions": [2]}}
    plan = parse_recipe(recipe(data={"patch": 8, "keep": 0.75}, scales={"2": {"stages": [STAGE]}, "3": own}))
    assert plan.data_for(2) == plan.data
    assert plan.data_for(3) == dataclasses.replace(plan.data, keep=0.25, reductions=(2,))
    assert plan.data_for(3).patch == 8


@pytest.mark.parametrize("architecture", LUMA_NETWORKS)
def test_every_network_ships_its_recipe(architecture):
    """Each network of the zoo has a recipe for each scale, and it names that network."""
    plan = load_recipe(shipped_recipe(architecture))
    assert plan.architecture == architecture
    assert set(plan.scales) == {2, 3, 4}


def test_settings_that_are_left_out_have_defaults():
    """Only the architecture and the stages have to be given."""
    plan = parse_recipe(recipe(data={"patch": 8, "reductions": [1, 2]}))
    assert plan.data.patch == 8
    assert plan.data.reductions == (1, 2)
    assert plan.scales[2].start_from is None
    assert plan.scales[2].stages[0].loss == "l1"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (recipe(sed=1), "the top has no setting 'sed'; it takes architecture, average"),
        (recipe(data={"path": 8}), r"\[data\] has no setting 'path'"),
        (recipe(scales={"2": {"stages": []}}), r"\[scales.2\] needs at least one \[\[scales.2.stages\]\]"),
        (
            recipe(scales={"2": {"stages": [{"steps": 4}]}}),
            r"\[scales.2\] stage is incomplete.*learning_rate",
        ),
        (
            recipe(scales={"2": {"stages": [{**STAGE, "loss": "l3"}]}}),
            "loss must be 'l1' or 'l2'; received 'l3'",
        ),
        (recipe(scales={"two": {"stages": [STAGE]}}), "scale must be a number; received 'two'"),
        ({"scales": {"2": {"stages": [STAGE]}}}, "the top is incomplete.*architecture"),
        (recipe(scales={}), r"needs at least one \[\[scales.N.stages\]\]"),
        (recipe(data=3), r"\[data\] must be a table; received 3"),
        (
            recipe(scales={"2": {"stages": [STAGE], "data": {"size": 3}}}),
            r"\[scales.2.data\] has no setting 'size'",
        ),
        (recipe(data={"jpeg_versions": -1}), "jpeg_versions must be at least 0; received -1"),
        (recipe(data={"drawings": -1}), "drawings must be at least 0; received -1"),
        (
            recipe(scales={"2": {"stages": [{**STAGE, "end": 2.0}]}}),
            "end must lie between 0 and 1; received 2",
        ),
        (
            recipe(scales={"2": {"stages": [{**STAGE, "jpeg_share": -0.5}]}}),
            "jpeg_share must lie between 0 and 1; received -0.5",
        ),
        (recipe(scales=3), r"\[scales\] must be a table; received 3"),
        (recipe(scales={"2": 3}), r"\[scales.2\] must be a table; received 3"),
        (recipe(scales={"2": {"stages": 3}}), r"\[scales.2\] needs at least one \[\[scales.2.stages\]\]"),
        (recipe(scales={"2": {"stages": ["x"]}}), r"\[scales.2\] stage must be a table; received 'x'"),
        (recipe(architecture=3), "the top: architecture must be a text; received 3"),
        (stage(collages=1), "collages must be true or false; received 1"),
        (stage(steps=True), "steps must be a whole number; received True"),
        (recipe(seed=1.5), "the top: seed must be a whole number; received 1.5"),
        (recipe(average="0.9"), "the top: average must be a number; received '0.9'"),
        (recipe(average=1), "average must be at least 0 and below 1; received 1"),
        (recipe(validate_every=0), "validate_every must be at least 1; received 0"),
        (recipe(data={"patch": 0}), "patch must be at least 1; received 0"),
        (recipe(data={"stride": -3}), "stride must be at least 1; received -3"),
        (recipe(data={"keep": "all"}), r"\[data\]: keep must be a number; received 'all'"),
        (recipe(data={"reductions": 2}), "reductions must be a list of whole numbers from 1 on; received 2"),
        (recipe(data={"reductions": []}), r"reductions must be a list .* received \[\]"),
        (recipe(data={"reductions": [2, 0]}), r"reductions must be a list .* received \[2, 0\]"),
        (stage(steps=0), "steps must be at least 1; received 0"),
        (stage(steps=True), r"\[scales.2\] stage: steps must be a whole number; received True"),
        (stage(batch=0), "batch must be at least 1; received 0"),
        (stage(warmup=-1), "warmup must be at least 0; received -1"),
        (stage(learning_rate=0), "learning_rate must be above 0; received 0"),
        (stage(learning_rate=float("nan")), "learning_rate must be above 0; received nan"),
        (
            recipe(scales={"2": {"start_from": "x3", "stages": [STAGE]}}),
            r"\[scales.2\]: start_from must be a whole number; received 'x3'",
        ),
    ],
)
def test_a_wrong_setting_is_named(table, message):
    """Typing errors do not pass silently: the setting and its place are named."""
    with pytest.raises(InvalidArgumentError, match=message):
        parse_recipe(table)


def test_a_file_that_is_no_recipe_is_named(tmp_path):
    """A missing file and one that is not TOML, or not even text, are told apart."""
    with pytest.raises(InvalidArgumentError, match="cannot be read: No such file"):
        load_recipe(tmp_path / "missing.toml")
    (tmp_path / "broken.toml").write_text("architecture = ")
    with pytest.raises(InvalidArgumentError, match="is not TOML"):
        load_recipe(tmp_path / "broken.toml")
    (tmp_path / "latin.toml").write_bytes(b'architecture = "\xe9"')
    with pytest.raises(InvalidArgumentError, match=r"is not TOML: .*utf-8"):
        load_recipe(tmp_path / "latin.toml")
