"""Photographs in a store that speaks Google Cloud Storage's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from google_store import google_store
from PIL import Image

from tfdeconv.cli.commands.upscale import command
from tfdeconv.errors import FileError

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of the server and of gcsfs's sessions
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """A store with two empty buckets, ``album`` and ``larger``."""
    with google_store("album", "larger") as files:
        yield files


@pytest.fixture(scope="module")
def album(store, tmp_path_factory):
    """The same photographs in a folder and in the bucket ``album``; one is broken."""
    folder = tmp_path_factory.mktemp("album")
    noise = np.random.default_rng(0)
    for name in ("a.png", "day/b.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / name)
    (folder / "day" / "broken.png").write_bytes(b"nonsense")
    for path in folder.rglob("*.png"):
        store.pipe_file(f"album/{path.relative_to(folder)}", path.read_bytes())
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_bucket_is_enlarged_into_another_one(store, album, tmp_path):
    """The objects are the bytes that a disk gets, in the same folders; a run that was stopped goes on."""
    assert run("gs://album", "-o", str(tmp_path)).exit_code == 1
    first = run("gs://album", "-o", "gs://larger/x2", "--resume")
    assert first.exit_code == 1
    assert "2 of 3 files done, 1 failed; see gs://larger/x2/failures.jsonl." in first.stderr
    assert json.loads(store.cat_file("larger/x2/failures.jsonl"))["path"] == "gs://album/day/broken.png"
    wanted = {f"larger/x2/{p.relative_to(tmp_path)}": p.read_bytes() for p in tmp_path.rglob("*.png")}
    assert {name: store.cat_file(name) for name in store.find("larger") if name[-4:] == ".png"} == wanted

    store.rm_file("larger/x2/day/b.png")
    again = run("gs://album", "-o", "gs://larger/x2", "--resume")
    assert "1 of 3 files are there already." in again.stderr
    assert {name: store.cat_file(name) for name in store.find("larger") if name[-4:] == ".png"} == wanted


def test_a_bucket_that_there_is_not(store, album, tmp_path):
    """One line, and the other files are not tried."""
    done = run(str(album), "-o", "gs://nowhere/x2")
    assert done.stderr.splitlines() == [
        "tfdeconv: error: gs://nowhere/x2/a.png cannot be written: there is no such bucket.",
        "0 of 3 files done, 1 failed, then stopped: the others would fail as well.",
    ]
    with pytest.raises(FileError, match=r"gs://nowhere/?: there is no such file or folder"):
        run("gs://nowhere", "-o", str(tmp_path))
