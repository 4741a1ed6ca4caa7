"""The list of training pictures: complete, free, and none that upscalers are scored on."""

import re
import runpy
import shutil
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

FOLDER = Path(__file__).parents[2] / "models" / "upscaler"
SOURCES = tomllib.loads((FOLDER / "photographs.toml").read_text(encoding="utf-8"))["sources"]


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER / "check_photographs.py"))


def test_every_picture_can_be_found_and_is_free():
    """Each has a commit, a path and a checksum; each source states a licence without conditions."""
    pictures = [picture for source in SOURCES for picture in source["pictures"]]
    assert Counter(picture["set"] for picture in pictures) == {1: 19, 2: 40, 3: 88, 4: 36}
    assert len({picture["sha256"] for picture in pictures}) == len(pictures)
    assert len({picture["file"] for picture in pictures}) == len(pictures)
    for picture in pictures:
        assert re.fullmatch("[0-9a-f]{40}", picture["commit"])
        assert re.fullmatch("[0-9a-f]{64}", picture["sha256"])
        assert Path(picture["file"]).suffix in {".jpg", ".png"}
        assert Path(picture["path"]).suffix.lower() in {".jpg", ".jpeg", ".png"}
    for source in SOURCES:
        assert source["licence"] in {"CC0-1.0", "public domain"}
        assert re.search("cc0|public domain", source["statement"], re.IGNORECASE)
        assert re.fullmatch("[0-9a-f]{40}", source["stated_at"])


@pytest.mark.parametrize(
    ("folder", "part", "count"),
    [("cc0-photos", 1, 19), ("cc0-photos-2", 2, 40), ("cc0-photos-3", 3, 88), ("cc0-photos-4", 4, 36)],
)
def test_the_pictures_are_those_of_the_list(script, data_folder, folder, part, count):
    """Where they lie beside the project: no more, no less, byte by byte, and none of the scored ones."""
    if not (data_folder / folder).is_dir():
        pytest.skip(f"{data_folder} holds no {folder}")
    against = [f"--against={data_folder / name}" for name in ("set5/x2", "t91")]
    result = CliRunner().invoke(script["main"], [str(data_folder / folder), f"--set={part}", *against])
    assert result.output == f"{count} pictures, compared with 101: 0 faults.\n"
    assert result.exit_code == 0


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)


def test_copies_are_noticed_and_others_are_not(script, tmp_path):
    """Scaled, recompressed, brightened or mirrored, a picture is found; another picture is not."""
    scored, training = tmp_path / "scored", tmp_path / "training"
    scored.mkdir()
    training.mkdir()
    picture(0).save(scored / "scored.png")
    picture(1).save(training / "other.png")
    picture(0).resize((300, 225)).save(training / "small.jpg", quality=30)
    picture(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(training / "mirrored.png")
    picture(0).point(lambda level: min(255, level + 20)).save(training / "brighter.png")
    found = script["look_alikes"](sorted(training.iterdir()), [scored / "scored.png"])
    assert {path.stem for path, _, _ in found} == {"small", "mirrored", "brighter"}


def test_strangers_changed_and_missing_files_are_told(script, tmp_path):
    """The check can fail, and says what is wrong."""
    shutil.copy(FOLDER / "collages.jpg", tmp_path / "canyon-wren.jpg")
    shutil.copy(FOLDER / "collages.jpg", tmp_path / "stranger.jpg")
    result = CliRunner().invoke(script["main"], [str(tmp_path)])
    assert "canyon-wren.jpg is not the file of the list: its SHA-256 differs." in result.output
    assert "stranger.jpg is not in the list." in result.output
    assert "casa-mila.jpg is missing." in result.output
    assert result.exit_code == 1
