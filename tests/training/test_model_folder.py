"""models/upscaler holds what the package trains with, and says what ships."""

import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from tfdeconv.training.recipe import shipped_recipe
from tfdeconv.zoo.upscalers.pretrained import WEIGHTS

FOLDER = Path(__file__).parents[2] / "models" / "upscaler"


@pytest.mark.parametrize(("architecture", "file"), [("fsrcnn", "recipe.toml"), ("slim", "slim.toml")])
def test_the_recipes_are_the_package_s(architecture, file):
    """The recipe beside the model card is the one that `tfdeconv train` uses."""
    assert (FOLDER / file).read_text() == shipped_recipe(architecture).read_text()


def test_the_card_names_every_shipped_file():
    """Each weights file and its parameters are in the model card."""
    card = (FOLDER / "README.md").read_text()
    for path in WEIGHTS.glob("*.npz"):
        assert path.name in card


def test_the_script_explains_itself():
    """train.py runs as it is and shows its options."""
    main = runpy.run_path(str(FOLDER / "train.py"))["main"]
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "slim" in result.output
