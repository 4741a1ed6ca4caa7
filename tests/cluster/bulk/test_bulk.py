"""Very many photographs on a cluster: each is there once and whole, whatever is killed on the way."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from cluster import namespaces
from PIL import Image

from tfdeconv.cli.commands.upscale import command

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)
pytestmark = pytest.mark.timeout(namespaces.SECONDS + 60)
SCENARIO = Path(__file__).with_name("bulk_scenario.py")
WHOLE = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs in folders, with metadata, two of them broken."""
    root = tmp_path_factory.mktemp("bulk")
    noise = np.random.default_rng(0)
    for number in range(WHOLE):
        path = root / "photos" / f"day{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x010E] = f"number {number}"
        pixels = noise.integers(0, 256, (360, 480, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, exif=exif, compress_level=1)
    (root / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (root / "photos" / "day0" / "broken.jpg").write_bytes(b"nonsense")
    return root


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, dict[str, Any]]:
    """What each step of the scenario tells."""
    return namespaces.run(SCENARIO, folder / "photos", folder / "larger")


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_work_was_under_way_when_it_was_killed(told):
    """Or the other tests would say little."""
    assert 4 <= told["command"]["there"] < told["node"]["there"] < WHOLE


def test_what_was_there_is_not_done_again(told):
    """The second run begins where the first was killed."""
    there = told["command"]["there"]
    assert f"{there} of {WHOLE + 2} files are there already." in told["end"]["err"]
    lines = told["end"]["out"].splitlines()
    assert len(lines) == len({line.partition(":")[0] for line in lines}) == WHOLE - there


def test_every_photograph_is_as_one_process_makes_it(told, folder):
    """Names, folders, pixels and metadata, byte by byte; nothing half written stays behind."""
    here = folder / "here"
    ended = CliRunner().invoke(command, [str(folder / "photos"), "-o", str(here)], catch_exceptions=False)
    assert ended.exit_code == 1
    found = contents(folder / "larger")
    found.pop("failures.jsonl")
    assert found == contents(here)
    assert len(found) == WHOLE


def test_what_cannot_be_done_is_reported(told, folder):
    """With path and reason; the command ends with 1."""
    assert told["end"]["code"] == 1
    report = [json.loads(line) for line in (folder / "larger" / "failures.jsonl").read_text().splitlines()]
    broken = [str(folder / "photos" / name) for name in ("broken.png", "day0/broken.jpg")]
    assert sorted(failure["path"] for failure in report) == sorted(broken)
    assert all(failure["reason"] for failure in report)
    assert "2 failed; see" in told["end"]["err"]


def test_only_what_concerns_the_user_is_told(told):
    """No page of Ray's about each process that dies."""
    for line in told["end"]["err"].splitlines():
        assert line.startswith("tfdeconv: error: ") or " files" in line, line
