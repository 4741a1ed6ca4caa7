"""The tiles of the page for pictures are those of the package."""

import json
import random
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_tiles, spans
from tfdeconv.web.pages import FOLDER

HERE = Path(__file__).parent


def answers(questions):
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    result = subprocess.run(
        ["node", str(HERE / "tiling_answers.js"), str(FOLDER / "upscaler" / "tiling.js")],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=250,
        check=True,
    )
    return json.loads(result.stdout)


def expected(question):
    """What the package cuts, or what it says."""
    size, tile, halo, stride = (question[name] for name in ("size", "tile", "halo", "stride"))
    scale = Fraction(*question["scale"])
    try:
        pieces = spans(size, tile=tile, before=halo, after=halo, stride=stride)
    except InvalidArgumentError as error:
        return str(error)
    tiles = axis_tiles(pieces, [size], [int(size * scale)], input_scales=[Fraction(1)], output_scales=[scale])
    return [
        {
            "span": list(piece),
            "start": tile.kept[0].start - tile.taken[0].start,
            "kept": [tile.kept[0].start, tile.kept[0].stop],
        }
        for piece, tile in zip(pieces, tiles, strict=True)
    ]


def test_they_are_the_same():
    """Pieces, where they belong in the output and what is said of tiles too small; all strides and scales."""
    rng = random.Random(5)
    questions = [
        {
            "size": rng.randint(1, 900),
            "tile": rng.randint(24, 400),
            "halo": rng.randint(0, 40),
            "stride": stride,
            "scale": [rng.choice([1, 2, 3, 4]) * stride, stride],
        }
        for stride in (1, 1, 2, 3, 8, 32)
        for _ in range(300)
    ]
    found = answers(questions)
    assert found == [expected(question) for question in questions]
    refused = sum(isinstance(answer, str) for answer in found)
    assert 20 < refused < 400  # both kinds are there
    assert sum(len(answer) > 2 for answer in found if not isinstance(answer, str)) > 500
