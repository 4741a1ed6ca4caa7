"""models/upscaler holds what the package trains with, and says what ships."""

import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.training.recipe import shipped_recipe
from tfdeconv.zoo.upscalers.pretrained import WEIGHTS

LIST = "photographs.toml"
FOLDER = Path(__file__).parents[2] / "models" / "upscaler"


RECIPES = runpy.run_path(str(FOLDER / "train.py"))["RECIPES"]


@pytest.mark.parametrize(("choice", "file"), RECIPES.items())
def test_the_recipes_are_the_package_s(choice, file):
    """The recipe beside the model card is the one that `tfdeconv train` uses."""
    assert (FOLDER / file).read_text() == shipped_recipe(choice[0], source=choice[1]).read_text()


def test_every_recipe_is_beside_the_card():
    """And no other."""
    assert sorted(path.name for path in FOLDER.glob("*.toml")) == sorted([*RECIPES.values(), LIST])


def test_a_recipe_that_there_is_not_is_refused_with_those_there_are():
    """The message names them all."""
    with pytest.raises(
        InvalidArgumentError, match=r"'fsrcnn' and 'jpeg' pictures; there are fine, fine-jpeg,"
    ):
        shipped_recipe("fsrcnn", source="jpeg")


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
