"""The tiles of the page for pictures are those of the package."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tfdeconv.web.pages import FOLDER
from tfdeconv.zoo.pictures.tile_network import default_network
from tfdeconv.zoo.pictures.tiling import tiles

HERE = Path(__file__).parent


def answers(questions):
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    result = subprocess.run(
        ["node", str(HERE / "tiling_answers.js"), str(FOLDER / "upscaler" / "tiling.js")],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(result.stdout)


def test_they_are_the_same():
    """Starts, stops and what is kept, for pictures of all sizes."""
    rng = random.Random(5)
    questions = [
        {
            "height": rng.randint(1, 900),
            "width": rng.randint(1, 900),
            "tile": rng.randint(24, 400),
            "halo": rng.randint(0, 11),
        }
        for _ in range(1000)
    ]
    for question, found in zip(questions, answers(questions), strict=True):
        expected = tiles(
            question["height"], question["width"], tile=question["tile"], context=question["halo"]
        )
        assert found == [[list(span) for span in (one.rows, one.columns)] for one in expected]


def test_tiles_of_a_network_with_a_stride():
    """They start at multiples of it, keep each sample once, and see a halo around what they keep."""
    rng = random.Random(6)
    questions = [
        {
            "height": 1,
            "width": rng.randint(1, 900),
            "tile": rng.randint(96, 300),
            "halo": 20,
            "stride": stride,
        }
        for stride in (2, 4, 8)
        for _ in range(200)
    ]
    for question, found in zip(questions, answers(questions), strict=True):
        spans = [columns for _, columns in found]
        assert [start % question["stride"] for start, *_ in spans] == [0] * len(spans)
        assert spans[0][2] == 0
        assert [span[2] for span in spans[1:]] == [span[3] for span in spans[:-1]]
        assert spans[-1][1] == spans[-1][3] == question["width"]
        for start, stop, keep_start, keep_stop in spans:
            assert start == 0 or keep_start - start >= question["halo"]
            assert stop == question["width"] or stop - keep_stop >= question["halo"]


def test_a_tile_that_is_too_small_is_said():
    """The rule, the number and what was given."""
    (found,) = answers([{"height": 9, "width": 9, "tile": 16, "halo": 8}])
    assert found == "tile must be above 16, twice the 8 pixels of context; received 16."


def test_the_rules_of_the_shipped_networks():
    """tiling.json holds the context that the package computes from each network."""
    rules = json.loads((FOLDER / "upscaler" / "tiling.json").read_text())
    assert rules == {
        str(factor): {"halo": default_network(factor).context, "stride": 1} for factor in (2, 3, 4)
    }
